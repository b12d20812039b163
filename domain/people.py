"""What a run has wanted of people, counted: what its close adds to the fleet's numbers."""

from pydantic import Field

from domain.contract import Contract


class People(Contract):
    """Questions and stops of one run.

    Attributes:
        asked: Questions that were put before a person, by their kind.
        again: Of these, asked once more since nobody had answered.
        stopped: Times that the run stood still for an operator; a halt is none.
        waited_s: Seconds that it waited for all of them.
    """

    asked: dict[str, int] = Field(default_factory=dict[str, int])
    again: int = 0
    stopped: int = 0
    waited_s: float = 0

    @property
    def empty(self) -> bool:
        """Whether nobody was wanted."""
        return not (self.asked or self.stopped or self.waited_s)

    def asking(self, kind: str) -> "People":
        """Return this with one more question."""
        asked = self.asked | {kind: self.asked.get(kind, 0) + 1}
        return self.model_copy(update={"asked": asked})

    def asking_again(self) -> "People":
        """Return this after a question that nobody has answered."""
        return self.model_copy(update={"again": self.again + 1})

    def stopping(self) -> "People":
        """Return this with one more stop."""
        return self.model_copy(update={"stopped": self.stopped + 1})

    def waiting(self, seconds: float) -> "People":
        """Return this with the time that was waited, over all."""
        return self.model_copy(update={"waited_s": seconds})
