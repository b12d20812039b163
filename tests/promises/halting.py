"""What the kill switch, fairness between tenants and versioned prompts promise."""

from typing import Final

from tests.promises import Requirement

_HALT = "Loops and runaways: kill switch"
_FAIR = "Model gateway: fairness between tenants"
_PROMPTS = "Model gateway: prompts as files"

PROMISES: Final[dict[str, Requirement]] = {
    "C5.6:halt-model": Requirement(
        "A halted run sends no further model call, and resumes by itself when told.", _HALT
    ),
    "C5.6:halt-tool": Requirement(
        "A halted run begins no further tool call; what had begun ends.", _HALT
    ),
    "C5.6:halt-once": Requirement(
        "A run that resumes buys nothing and does nothing a second time.", _HALT
    ),
    "C5.6:halt-free": Requirement("A halt uses up no call, token, attempt or time.", _HALT),
    "C5.6:halt-scope": Requirement(
        "A halt of a run, an agent, a tenant or all holds those back, and nobody else.", _HALT
    ),
    "C5.6:halt-audit": Requirement(
        "Who halted, when and why is in the run's result, and in the database for good.", _HALT
    ),
    "C5.6:halt-lost-word": Requirement(
        "A run that was not told that it may go on finds out by itself.", _HALT
    ),
    "C5.6:halt-by-hand": Requirement(
        "The word that a halt was lifted does no harm when a person sends it.", _HALT
    ),
    "C5.6:halt-end": Requirement(
        "A halted run can be aborted and cancelled; what is to be undone waits, and is.", _HALT
    ),
    "C5.6:halt-survives": Requirement(
        "A halt survives restarts of workers, and counts for runs that start under it.", _HALT
    ),
    "C5.6:halt-bounded": Requirement("A halt of a year fails the run, and no shorter one.", _HALT),
    "C5.5:turns-key": Requirement(
        "Calls on a shared queue carry their tenant and the agent's priority.", _FAIR
    ),
    "C5.5:turns-weight": Requirement("A tenant's weight comes from a setting.", _FAIR),
    "C5.5:turns-server": Requirement(
        "The embedded server is fair, and no waiting task is stranded when it becomes so.", _FAIR
    ),
    "C5.5:turns-taken": Requirement(
        "A small tenant's calls do not wait for all of a large one's.", _FAIR
    ),
    "C5.5:prompt-version": Requirement("A prompt is a file that names its version.", _PROMPTS),
    "C5.5:prompt-lock": Requirement(
        "A changed prompt without a new version fails a check.", _PROMPTS
    ),
    "C5.5:prompt-diff": Requirement(
        "Versions of a prompt, and what a run was told, can be compared.", _PROMPTS
    ),
}
