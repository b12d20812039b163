"""What is promised of agents that call agents."""

from typing import Final

from tests.promises import Requirement

_PART = "Agents that call agents"

PROMISES: Final[dict[str, Requirement]] = {
    "C4.1:typed": Requirement(
        "A called agent gets the typed task and nothing of its caller's transcript; its typed "
        "answer is the call's result.",
        _PART,
    ),
    "C4.1:wrong-task": Requirement(
        "A task that does not fit the other agent's model never starts a run.", _PART
    ),
    "C4.1:share": Requirement(
        "A call reserves its share of the caller's budget, and gives back the rest.", _PART
    ),
    "C4.1:fifty": Requirement("Fifty calls at once never pass the caller's budget.", _PART),
    "C4.1:lend": Requirement(
        "A run below that has used up its share is given more while its caller has room.", _PART
    ),
    "C4.1:lend-own": Requirement(
        "What is lent never lifts a run over its own agent's limits.", _PART
    ),
    "C4.1:lend-room": Requirement(
        "However many ask for more, their caller's budget is not passed.", _PART
    ),
    "C4.1:lend-signals": Requirement(
        "Signals about budgets that no run has sent change nothing.", _PART
    ),
    "C4.1:lost": Requirement(
        "A run below that is terminated is charged its whole share, and told as an error.", _PART
    ),
    "C4.1:own-approval": Requirement(
        "What a run below asks is answered there, and nowhere above.", _PART
    ),
    "C4.1:clock": Requirement(
        "While a run below waits for a person, the caller's clock stands still.", _PART
    ),
    "C4.1:cancel": Requirement(
        "Cancelling the caller cancels the runs below, and undoes what they and those before "
        "them wrote.",
        _PART,
    ),
    "C4.1:depth": Requirement("Agents that call each other come to an end.", _PART),
    "C4.1:dry-run": Requirement("A dry run is one all the way down.", _PART),
    "C4.1:cut": Requirement("An answer that is too large is cut, and can be read on.", _PART),
    "C4.1:once": Requirement(
        "After a reset of the caller, a run below that had ended is taken over, not run again.",
        _PART,
    ),
    "C4.1:hand-off": Requirement(
        "The other agent goes on under the run's id, with the typed task, in the same budget.",
        _PART,
    ),
    "C4.1:hand-off-alone": Requirement(
        "A hand-off beside other calls is refused, and the others run.", _PART
    ),
    "C4.1:hand-off-undo": Requirement(
        "What an agent wrote before it handed on is undone with the rest.", _PART
    ),
    "C4.1:registry": Requirement(
        "A tool for an agent that is not there is refused when a worker starts.", _PART
    ),
}
