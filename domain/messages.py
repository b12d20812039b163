"""What is said in a run, and the chain that makes it tamper-evident.

A message has two hashes. `Message.id` is of its content alone, so that a tool activity can file
a result before anyone knows where in the conversation it will stand. A head is the hash of the
parent's head and the message's id: equal heads mean equal conversations, message by message.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Literal

from domain.contract import Contract, digest

ROOT = ""


class ToolCall(Contract):
    """A call the model proposes. `arguments` is the JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


class Message(Contract):
    """One entry of the transcript, in no vendor's format."""

    role: Literal["user", "assistant", "tool"]
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""

    @cached_property
    def id(self) -> str:
        """Hash of the content."""
        calls = [part for call in self.calls for part in (call.id, call.name, call.arguments)]
        return digest(self.role, self.text, self.call_id, *calls)

    @property
    def size(self) -> int:
        """UTF-8 bytes of everything a model will read of this message."""
        written = [self.text, *(call.name + call.arguments for call in self.calls)]
        return sum(len(part.encode("utf-8", "surrogatepass")) for part in written)


def link(head: str, message_id: str) -> str:
    """Return the head after `message_id` is put behind `head`."""
    return digest(head, message_id)


def chain(head: str, message_ids: Iterable[str]) -> str:
    """Return the head after all of `message_ids`, in order."""
    for message_id in message_ids:
        head = link(head, message_id)
    return head
