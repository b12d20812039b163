"""What deploys promise: runs under way go on, or are named before they would not."""

from typing import Final

from tests.promises import Requirement

_DEPLOYS: Final = "Deploys that do not break runs"

PROMISES: Final[dict[str, Requirement]] = {
    "C6.5:gate-fits": Requirement(
        "Runs that the code of this checkout fits are let through, at every point of a run.",
        _DEPLOYS,
    ),
    "C6.5:gate-names": Requirement(
        "A run that would hang is named, with the event and what diverges.", _DEPLOYS
    ),
    "C6.5:gate-next": Requirement(
        "What has arrived since a run's last task is replayed too: a run that would fail at its "
        "next step is named.",
        _DEPLOYS,
    ),
    "C6.5:gate-tools": Requirement(
        "A run whose tools have changed is named as one that would stop.", _DEPLOYS
    ),
    "C6.5:gate-rollback": Requirement(
        "Code that lacks a change which a run has taken is named before it is rolled back to.",
        _DEPLOYS,
    ),
    "C6.5:gate-ends": Requirement("The gate ends, whatever a history holds.", _DEPLOYS),
    "C6.5:patched": Requirement(
        "A run goes on through a change behind workflow.patched, on the old path.", _DEPLOYS
    ),
    "C6.5:waits-for-code": Requirement(
        "A run that meets code which does not fit loses nothing, is named while it waits, and "
        "goes on when the right code is back.",
        _DEPLOYS,
    ),
    "C6.5:auto-upgrade": Requirement(
        "With versions, a run that waits goes on with the build that became current.", _DEPLOYS
    ),
    "C6.5:pinned": Requirement(
        "A run of a pinned agent ends with the build it began with, while both serve.", _DEPLOYS
    ),
    "C6.5:released": Requirement(
        "A pinned run whose build is gone is named, and goes on when it is released or resumed.",
        _DEPLOYS,
    ),
}
