"""The one table of states that every run goes through."""

from enum import StrEnum


class State(StrEnum):
    """Where a run is. Also the value of the search attribute `AgentState`."""

    INTAKE = "INTAKE"
    VALIDATING = "VALIDATING"
    PLANNING = "PLANNING"
    EXECUTING = "EXECUTING"
    REVIEWING = "REVIEWING"
    REVISING = "REVISING"
    PENDING_APPROVAL = "PENDING_APPROVAL"
    STOPPED = "STOPPED"
    COMPLETE = "COMPLETE"
    REJECTED = "REJECTED"
    FAILED = "FAILED"


WAITS = frozenset({State.PENDING_APPROVAL, State.STOPPED})
FINAL = frozenset({State.COMPLETE, State.REJECTED, State.FAILED})

# From wherever a run works a cap ends it, as an outcome, and a person does, as a rejection.
MOVES: dict[State, frozenset[State]] = {
    State.INTAKE: frozenset({State.VALIDATING, State.REJECTED, State.FAILED}),
    State.VALIDATING: frozenset({State.PLANNING, State.REJECTED, State.FAILED, *WAITS}),
    State.PLANNING: frozenset({State.EXECUTING, *FINAL, *WAITS}),
    State.EXECUTING: frozenset({State.REVIEWING, *FINAL, *WAITS}),
    State.REVIEWING: frozenset({State.REVISING, *FINAL, *WAITS}),
    State.REVISING: frozenset({State.EXECUTING}),
    State.PENDING_APPROVAL: frozenset(),  # left by `back` alone
    State.STOPPED: frozenset(),
    State.COMPLETE: frozenset(),
    State.REJECTED: frozenset(),
    State.FAILED: frozenset(),
}


class IllegalTransitionError(ValueError):
    """A move that the table does not have: a bug, and never retried."""


class Lifecycle:
    """A run's state. A wait remembers where it came from and returns there."""

    def __init__(self) -> None:
        self.state = State.INTAKE
        self._came_from = State.INTAKE

    def move(self, to: State) -> None:
        """Go to `to`.

        Raises:
            IllegalTransitionError: The table has no such move.
        """
        if to not in MOVES[self.state]:
            raise IllegalTransitionError(
                f"a run cannot go from {self.state} to {to}; allowed: {sorted(MOVES[self.state])}"
            )
        if to in WAITS:
            self._came_from = self.state
        self.state = to

    def back(self) -> None:
        """Leave a wait for the state it was entered from.

        Raises:
            IllegalTransitionError: The run is not waiting.
        """
        if self.state not in WAITS:
            raise IllegalTransitionError(f"a run in {self.state} does not wait for anything")
        self.state = self._came_from
