"""How much of a conversation a model is shown, and where the older part of it is cut off.

A turn is a model's message and all that answers it; a cut lies between turns, so a call is never
parted from its result. What is cut off is folded into the manifest (`domain/manifest.py`).
"""

from collections.abc import Sequence
from typing import Final

from pydantic import Field, model_validator

from domain.contract import Contract
from domain.messages import Message

# Bytes a token stands for where no provider has counted yet: prose has four, code and many
# languages three. Once a provider has counted, its own ratio is used where that is dearer.
BYTES_A_TOKEN = 3.0
# Bytes that a vendor's form adds to one message: role, ids, brackets.
FRAMING = 48


class WindowPolicy(Contract):
    """When older turns are folded into the manifest, and what stays as it was said.

    Attributes:
        messages: Messages beside the task and the manifest that a call is shown at most; 0: they
            are not counted.
        tokens: Tokens of input that a call has at most, by estimate: system prompt, tools, task,
            manifest and messages together.
        keep: Messages that stay as they are when the others are folded. The last turn always
            stays, since nobody has read its results yet.
        manifest_bytes: UTF-8 bytes of the facts, decisions and questions that are kept.
        tries: Times a model is asked for a summary; after that rules write it.
    """

    messages: int = Field(default=15, ge=0)
    tokens: int = Field(default=24_000, ge=1_000)
    keep: int = Field(default=6, ge=1)
    manifest_bytes: int = Field(default=6_000, ge=500)
    tries: int = Field(default=2, ge=1, le=5)

    @model_validator(mode="after")
    def _leaves_room(self) -> "WindowPolicy":
        if self.messages and self.keep >= self.messages:
            raise ValueError(
                f"keep is {self.keep} and messages {self.messages}: keep less than the window has"
            )
        if self.manifest_bytes > self.tokens:  # a third of the window at three bytes a token
            raise ValueError(
                f"manifest_bytes is {self.manifest_bytes}: at most {self.tokens} fit a window of "
                f"{self.tokens} tokens; raise tokens or lower manifest_bytes"
            )
        return self

    def is_over(self, messages: int, tokens: int) -> bool:
        """Whether a call with so many messages and tokens would be over the window."""
        return bool(self.messages and messages > self.messages) or tokens > self.tokens


WIDE: Final = WindowPolicy(messages=0, tokens=100_000, keep=20, manifest_bytes=12_000)
"""What an agent has that does not say: far beyond its usual runs, and below what models read."""


def weight(message: Message) -> int:
    """Return the bytes of a message in a request, by estimate."""
    return message.size + FRAMING


def tokens_of(size: int, rate: float) -> int:
    """Return the tokens of `size` bytes, at `rate` tokens a byte, rounded up."""
    return -int(-size * rate // 1)


def rate_of(tokens: int, size: int) -> float:
    """Return tokens a byte as a provider counted them, never below what is usual."""
    usual = 1 / BYTES_A_TOKEN
    return max(usual, tokens / size) if size else usual


def pinned(messages: Sequence[Message]) -> int:
    """Return how many messages stand before the first of the model's; they never leave.

    They are the task, and whatever else the run began with.
    """
    return next((i for i, m in enumerate(messages) if _begins(m)), len(messages))


def cut_at(messages: Sequence[Message], start: int, keep: int, room: int) -> int:
    """Return the index of the first message that stays; `start` where nothing may be folded.

    Args:
        messages: The conversation.
        start: The first message that may be folded.
        keep: So many stay, where they fit.
        room: Bytes that what stays may have. The last turn stays however large it is.
    """
    last_turn = next((i for i in range(len(messages) - 1, -1, -1) if _begins(messages[i])), start)
    ends = [i for i in range(start + 1, last_turn + 1) if messages[i].role != "tool"]
    if not ends:
        return start
    wanted = [i for i in ends if len(messages) - i >= keep]
    first = wanted[-1] if wanted else ends[0]
    later = [i for i in ends if i >= first]
    fits = (i for i in later if sum(weight(m) for m in messages[i:]) <= room)
    return next(fits, last_turn)


def _begins(message: Message) -> bool:
    return message.role == "assistant"
