"""A second level behind a worker's memory of conversations, shared by all workers.

Where model calls or tools have workers of their own, a message is made in one process and read
in another. Without this each such turn would be a miss, and cross the history a second time.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from temporalio.exceptions import ApplicationError

from activities.transcripts import Transcript, Transcripts
from domain.messages import ROOT, Message, link
from domain.spec import AgentSpec
from domain.thinking import TRANSCRIPT_MISS, Missing, ThinkRequest


class Shelf(Protocol):
    """Where messages lie for all workers."""

    async def put(
        self, messages: Mapping[str, str], links: Sequence[tuple[str, str, str]] = ()
    ) -> None:
        """Keep messages by id, as JSON, and links `(head, parent, message id)`. Idempotent."""
        ...

    async def messages(self, ids: Sequence[str]) -> dict[str, str]:
        """Return what is kept of `ids`."""
        ...

    async def chain(self, head: str, root: str) -> list[str]:
        """Return the ids of the messages from `root` to `head`; empty: not all are kept."""
        ...


class SharedTranscripts:
    """A worker's transcripts, and what it can have of other workers'.

    Args:
        near: This worker's memory.
        far: What all workers share; None where this one is alone.
    """

    def __init__(self, near: Transcripts, far: Shelf | None) -> None:
        self._near = near
        self._far = far

    async def find(self, request: ThinkRequest) -> tuple[AgentSpec, Transcript]:
        """Return the spec and the transcript that `request` names.

        Raises:
            ApplicationError: As `Transcripts.resolve`, where the shelf lacks it too.
        """
        try:
            return self._near.resolve(request)
        except ApplicationError as error:
            missing = _missing(error)
            if self._far is None or missing is None or missing.spec:
                raise
            if not await self._fetch(self._far, request, missing):
                raise
        return self._near.resolve(request)

    async def _fetch(self, far: Shelf, request: ThinkRequest, missing: Missing) -> bool:
        base = await far.chain(request.base, ROOT) if missing.base else []
        if missing.base and not base:
            return False
        wanted = dict.fromkeys([*base, *missing.ids])
        kept = await far.messages(list(wanted))
        if len(kept) < len(wanted):
            return False
        found = {each: Message.model_validate_json(text) for each, text in kept.items()}
        if base:
            self._near.hold(request.base, [found[each] for each in base])
        for each in missing.ids:
            self._near.remember(found[each])
        return True

    async def leave(self, message: Message) -> None:
        """Lay a message down for a worker that will be asked for it by its id."""
        if self._far is not None:
            await self._far.put({message.id: message.model_dump_json()})

    async def grown(self, request: ThinkRequest, transcript: Transcript, reply: Message) -> None:
        """Lay down what a call has added: the messages after its base, and its reply."""
        if self._far is None:
            return
        new = [*transcript.last(len(request.new)), reply]
        parent = request.base
        links: list[tuple[str, str, str]] = []
        for message in new:
            head = link(parent, message.id)
            links.append((head, parent, message.id))
            parent = head
        await self._far.put({each.id: each.model_dump_json() for each in new}, links)


def _missing(error: ApplicationError) -> Missing | None:
    if error.type != TRANSCRIPT_MISS or not error.details:
        return None
    found = error.details[0]
    return found if isinstance(found, Missing) else None
