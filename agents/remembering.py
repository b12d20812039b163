"""What a tool can do with the memory of the run that calls it, its agent's and its tenant's own."""

from collections.abc import Sequence
from typing import Protocol

from domain.memory import Found


class Remembering(Protocol):
    """One run's door to long-term memory; whose it is was settled before the tool was called."""

    async def recall(self, question: str) -> Sequence[Found]:
        """Return the facts and passages that fit a question: few, and none that do not."""
        ...

    async def remember(self, fact: str, source: str) -> str:
        """Keep a fact with where it is from, and return its id; the same fact twice is one."""
        ...

    async def prefer(self, topic: str, preference: str) -> str:
        """Keep what the requester prefers, in place of what they did before; return its id.

        Raises:
            LookupError: The run has no requester.
        """
        ...
