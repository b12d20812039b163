"""What is said of one run: it goes on with this code, or what would happen to it instead."""

from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    """What becomes of a run when this code is deployed, the worst last."""

    FITS = "goes on"
    STOPS = "would stop"
    WAITS = "would hang"
    FAILS = "would fail"


MEANING = {
    Fate.STOPS: "goes to STOPPED when it calls that tool, and waits for `retry`, `skip` or `abort`",
    Fate.WAITS: "does nothing until workers have code again that its history fits",
    Fate.FAILS: "closes as failed at its next step",
}


@dataclass(frozen=True)
class Run:
    """A run as it is looked at.

    Attributes:
        execution: The server's id of its latest part.
        source: File that its history was read from; empty for the server.
        is_open: It is under way.
    """

    run_id: str
    execution: str = ""
    workflow: str = ""
    agent: str = ""
    state: str = ""
    source: str = ""
    is_open: bool = True


@dataclass(frozen=True)
class Verdict:
    """What replaying a run's history has shown.

    Attributes:
        events: How many were replayed.
        event: The event that the code does not fit; 0 where there is none.
        why: What diverges, in sentences, the first the most important.
    """

    run: Run
    fate: Fate
    events: int = 0
    event: int = 0
    why: tuple[str, ...] = ()
