"""What a window over a long conversation promises, and the working memory beside it."""

from typing import Final

from tests.promises import Requirement

_MEMORY: Final = "Memory"

PROMISES: Final[dict[str, Requirement]] = {
    "C5.1:long-run": Requirement(
        "What was said at the beginning is known at the end; no call is over the window, and "
        "tokens a turn stay flat.",
        _MEMORY,
    ),
    "C5.1:window-short": Requirement(
        "A run that is shorter than its window leaves the events that it leaves without one.",
        _MEMORY,
    ),
    "C5.1:window-cut": Requirement(
        "A window is cut between turns: no call is parted from its result.", _MEMORY
    ),
    "C5.1:window-goal": Requirement(
        "Prompt, task, people's decisions, writes, plan and working memory do not depend on a "
        "model's summary.",
        _MEMORY,
    ),
    "C5.1:summary-rules": Requirement(
        "Of a summary is kept what has its source, its numbers and its quotations in what was "
        "folded, and what gives no orders.",
        _MEMORY,
    ),
    "C5.1:summary-refused": Requirement(
        "A summary that breaks a rule goes back with the reason; then rules write it.", _MEMORY
    ),
    "C5.1:summary-keeps": Requirement(
        "What is known vanishes only when it is superseded by name, or for want of room, the "
        "least needed first.",
        _MEMORY,
    ),
    "C5.1:summary-bounded": Requirement("The memory has a largest size.", _MEMORY),
    "C5.1:window-chain": Requirement(
        "The chain of a folded run verifies, and one that was tampered with does not.", _MEMORY
    ),
    "C5.1:window-fork": Requirement(
        "A run can be forked from any turn, also from one that was folded away.", _MEMORY
    ),
    "C5.1:window-miss": Requirement(
        "A worker that remembers nothing goes on with a folded run.", _MEMORY
    ),
    "C5.1:window-budget": Requirement(
        "A summary is reserved like any call; one that does not fit ends the run at its limit.",
        _MEMORY,
    ),
    "C5.1:window-large": Requirement(
        "Results that alone are over the window are cut, and the whole of them is kept.", _MEMORY
    ),
    "C5.1:window-checks": Requirement(
        "Rules over an answer see the calls that were folded away.", _MEMORY
    ),
    "C5.1:window-refuses": Requirement(
        "A task that leaves no room in the window is refused before anything is spent.", _MEMORY
    ),
    "C5.1:window-declared": Requirement(
        "A window that cannot work is refused where it is declared.", _MEMORY
    ),
    "C5.1:working-memory": Requirement(
        "A model's notes are typed fields beside the transcript: they outlive folds, and status, "
        "page and result show them.",
        _MEMORY,
    ),
    "C5.1:working-checked": Requirement(
        "A note that does not fit its schema or its size changes nothing and is told.", _MEMORY
    ),
    "C5.1:select": Requirement(
        "A result is cut to the fields that the model asked for; the whole is kept.", _MEMORY
    ),
}
