"""What the repair agent answers, and the rules over it."""

from collections.abc import Sequence

from pydantic import Field

from agents.toolkit import AnswerToCheck
from domain.contract import Strict


class Repair(Strict):
    """What was wrong, and what was done about it.

    Attributes:
        title: One line, as a commit's first.
        diagnosis: What was wrong and why the change mends it.
        fixed: The tests passed on the copy as it was left.
    """

    title: str = Field(min_length=3, max_length=72)
    diagnosis: str = Field(min_length=3, max_length=2_000)
    fixed: bool
    confidence: float = Field(default=0.8, ge=0, le=1)


def says_what_it_saw(made: AnswerToCheck) -> Sequence[str]:
    """Refuse "fixed" where the last thing seen of the tests was not that they pass."""
    if not isinstance(made.answer, Repair) or not made.answer.fixed:
        return []
    last = next((call for call in reversed(made.made) if call.tool in _CHANGES), None)
    if last is None or last.tool != "repo_test" or not last.text.startswith("the tests pass"):
        return ["`fixed` is true, and repo_test has not passed since the last edit; run it"]
    return []


_CHANGES = frozenset({"repo_test", "repo_edit", "repo_revert"})
