"""What a run's guards refused, as its result and its report say it."""

from domain.contract import Contract


class Rejection(Contract):
    """A call or an answer that a guard refused.

    Attributes:
        by: Whose objection it was.
        what: The call with its arguments, or `answer`.
        turn: Model calls that the run had made.
    """

    by: str
    what: str
    reason: str
    turn: int
