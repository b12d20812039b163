"""Why a door turns a program away: one class a reason, which every protocol tells its own way."""

from collections.abc import Mapping

from commands.errors import CommandError


class DoorError(CommandError):
    """A program is turned away; nothing was changed. The message is for its author to read.

    Attributes:
        kind: The reason in one word, the same in every protocol.
    """

    kind = "refused"


class UnknownRun(DoorError):
    """There is no such run, or it is another tenant's: the two are told alike."""

    kind = "unknown-run"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"there is no run {run_id[:200]!r}")


class UnfitInput(DoorError):
    """The input cannot be worked on.

    Attributes:
        fields: What is wrong, by the field it is wrong with: `input.limits.steps`.
    """

    kind = "unfit-input"

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {})


class KeyReused(DoorError):
    """The idempotency key stands for another start."""

    kind = "key-reused"


class NotCounted(DoorError):
    """The run is as it was: it asks nothing, asks something else, or has closed."""

    kind = "not-counted"


class NotAllowed(DoorError):
    """The caller is known, and may not do that."""

    kind = "not-allowed"


class OwnRun(DoorError):
    """Whoever asked for a run does not answer what it asks: that takes a second pair of eyes."""

    kind = "own-run"


class NobodyServes(DoorError):
    """No worker takes the answer; the same call may work later."""

    kind = "no-worker"
