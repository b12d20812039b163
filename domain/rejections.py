"""What a run's guards refused, as its result and its report say it."""

from typing import Final

from domain.contract import Contract

# Name and description of what counts them, wherever a guard stands.
COUNTER: Final = ("holdfast_guardrail_rejections", "calls and answers that a guard refused")


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
