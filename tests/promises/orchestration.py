"""What orchestrated goals promise."""

from typing import Final

from tests.promises import Requirement

_SOURCE: Final = "Orchestrator and workers"

PROMISES: Final[dict[str, Requirement]] = {
    "C4.3:plans-only": Requirement(
        "The orchestrator plans and routes, and has nothing that it could execute.", _SOURCE
    ),
    "C4.3:typed-union": Requirement(
        "A worker takes one typed task and answers success, failure or a question, typed.", _SOURCE
    ),
    "C4.3:parallel": Requirement(
        "Tasks wait for the data that they need and for nothing else, bounded in number.", _SOURCE
    ),
    "C4.3:retry-queue": Requirement(
        "What fails waits in a queue behind the others of its phase, then for its time.", _SOURCE
    ),
    "C4.3:dead-letter": Requirement(
        "What fails for good leaves a letter with which it and what waits for it is done again.",
        _SOURCE,
    ),
    "C4.3:rest-finished": Requirement(
        "What depends on a failed task is named as not done, and the rest is finished.", _SOURCE
    ),
    "C4.3:needs-human": Requirement(
        "A question goes to a person: words for another try, the typed output, or no.", _SOURCE
    ),
    "C4.3:checkpoint": Requirement(
        "No phase begins before what is known is there, typed and without contradiction, or a "
        "person has said how to go on.",
        _SOURCE,
    ),
    "C4.3:bad-goal": Requirement(
        "A goal that cannot be worked on is refused with every reason, before anything starts.",
        "Bad input",
    ),
    "C4.3:bad-plan": Requirement(
        "A plan that cannot be followed goes back three times, then to a person.", _SOURCE
    ),
    "C4.3:budget": Requirement(
        "All tasks together stay within one budget; what had no room is named.", "Budget"
    ),
    "C4.3:ends": Requirement(
        "Abort, cancel, a dry run and continue-as-new leave each task with a named end.", _SOURCE
    ),
    "C4.3:no-write-twice": Requirement(
        "A worker that fails after it has written is not tried again by itself.", _SOURCE
    ),
}
