"""A command that is not trusted: what it may use, how far it was confined, what it came to."""

from typing import Final

from pydantic import Field

from domain.contract import Contract

MOST_SECONDS: Final = 900.0


class CommandLimits(Contract):
    """What one command may use.

    Attributes:
        seconds: Of wall clock; then it is killed with all that it started.
        memory_mb: Of all its processes together, and of each one's data.
        processes: At once.
        file_mb: Of one file that it writes.
        output_bytes: Of its output that is kept; what is between beginning and end is left out.
    """

    seconds: float = Field(default=120, gt=0, le=MOST_SECONDS)
    memory_mb: int = Field(default=2_048, ge=16)
    processes: int = Field(default=256, ge=1)
    file_mb: int = Field(default=64, ge=1)
    output_bytes: int = Field(default=24_000, ge=1_000)


class Confinement(Contract):
    """How far a command was confined: what the system allowed, not what was wanted.

    Attributes:
        network: It had none but its own loopback.
        filesystem: It could change its own folder alone, and read programs and libraries.
        how: By which means, in words.
        refused: What the system refused, where a weaker level had to do.
    """

    network: bool = False
    filesystem: bool = False
    how: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


class CommandRun(Contract):
    """What a command came to.

    Attributes:
        code: Its exit code; None where it was killed.
        killed: Which limit it was killed at: time, memory, processes or output.
        dropped: Bytes of its output that were left out.
    """

    code: int | None
    killed: str = ""
    output: str = ""
    dropped: int = 0
    seconds: float = 0
    confined: Confinement = Confinement()

    @property
    def green(self) -> bool:
        """Whether it ended well."""
        return self.code == 0 and not self.killed
