"""What asks runs to leave it alone."""

from datetime import timedelta

from activities.controls import Attempt, Went, refusal
from domain.refused import PAUSED


class Refusing:
    """Asks to be left alone so many times; with `between`, only every second time it is asked."""

    def __init__(
        self,
        times: int,
        wait: float = 0,
        of: str = "model",
        *,
        between: bool = False,
        kind: str = PAUSED,
    ) -> None:
        self.left, self.wait, self.of, self.between = times, wait, of, between
        self.kind = kind
        self.asked = 0

    async def before(self, attempt: Attempt) -> None:
        """Refuse while any refusals are left."""
        if attempt.kind != self.of:
            return
        self.asked += 1
        if self.left and not (self.between and self.asked % 2):
            self.left -= 1
            raise refusal(self.kind, "leave it alone", attempt, timedelta(seconds=self.wait))

    async def after(self, attempt: Attempt, went: Went) -> None:
        """Take no note."""
