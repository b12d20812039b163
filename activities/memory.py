"""Long-term memory at a run's edges, and as its tools use it: recalled, kept, searched.

Words are searched always, meaning where an embedding model is set; one that does not answer costs
the search its help and nothing else.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

import structlog
from opentelemetry import trace
from temporalio import activity

from activities.providers.base import ProviderError
from activities.transcripts import Transcripts
from domain.memory import (
    KNOWLEDGE,
    MAX_NAME,
    Access,
    EpisodeToKeep,
    Found,
    Kind,
    Memory,
    RecallRequest,
    Recollection,
    Scope,
    Vector,
    examples,
    fused,
    relevant,
    sound,
)
from domain.messages import Message
from domain.recollection import recollection

_CANDIDATES = 50  # that one search brings before the floor

_log = structlog.stdlib.get_logger(__name__)


class Store(Protocol):
    """Where memories are kept; nothing is asked without a scope."""

    async def keep(self, scope: Scope, memory: Memory, vector: Vector | None = None) -> None:
        """Keep a memory; one with the same id is replaced."""
        ...

    async def preferences(self, scope: Scope, by: str, most: int) -> list[Memory]:
        """Return what a requester prefers, the newest first."""
        ...

    async def by_words(
        self, scope: Scope, kinds: Sequence[Kind], question: str, most: int
    ) -> list[Found]:
        """Return what shares words with a question, the best first."""
        ...

    async def by_meaning(
        self, scope: Scope, kinds: Sequence[Kind], question: Vector, most: int
    ) -> list[Found]:
        """Return what means nearly the same as a question, the nearest first."""
        ...


class Embedder(Protocol):
    """A model that turns texts into vectors.

    Attributes:
        local: Its server is the operator's own, where private agents' words may go.
    """

    local: bool

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector for each text, in the same order.

        Raises:
            ProviderError: There is none.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


Count = Callable[[str, Kind], None]
"""Told `kept` or `recalled`, and of which kind."""


class Remembrance:
    """Long-term memory as a service: the store, and the model that knows what texts mean."""

    def __init__(
        self, store: Store, embedder: Embedder | None = None, count: Count | None = None
    ) -> None:
        self.store = store
        self._embedder = embedder
        self._counted = count

    async def keep(self, access: Access, memories: Sequence[Memory]) -> None:
        """Keep memories. Idempotent."""
        meant = [memory for memory in memories if memory.kind != "preference"]
        vectors = await self._vectors(access, [memory.text for memory in meant])
        by_id = {memory.id: vector for memory, vector in zip(meant, vectors, strict=False)}
        for memory in memories:
            await self.store.keep(access.scope, memory, by_id.get(memory.id))
            self._count("kept", memory.kind)

    async def close(self) -> None:
        """Close the embedding model's connections."""
        if self._embedder is not None:
            await self._embedder.close()

    async def preferences(self, access: Access) -> list[Memory]:
        """Return what the requester prefers."""
        by, most = sound(access.by, MAX_NAME), access.policy.preferences
        return await self.store.preferences(access.scope, by, most)

    async def knowledge(self, access: Access, question: str) -> list[Found]:
        """Return the facts and passages that fit a question."""
        ranked = await self._search(access, KNOWLEDGE, question)
        chosen = ranked[: access.policy.knowledge]
        self._count_all(chosen)
        return chosen

    async def episodes(self, access: Access, task: str) -> list[Found]:
        """Return earlier runs like one with this task."""
        if not access.policy.episodes:
            return []
        ranked = await self._search(access, ("episode",), task)
        chosen = examples(ranked, 0, access.policy.episodes)
        self._count_all(chosen)
        return chosen

    async def _search(self, access: Access, kinds: Sequence[Kind], question: str) -> list[Found]:
        """Return all that is over the floor, by words and by meaning, the best first."""
        policy, scope = access.policy, access.scope
        found = await self.store.by_words(scope, kinds, sound(question), _CANDIDATES)
        by_words = relevant(found, policy.relevance, _CANDIDATES)
        vectors = await self._vectors(access, [question])
        if not vectors:
            return by_words
        near = await self.store.by_meaning(scope, kinds, vectors[0], _CANDIDATES)
        return fused(relevant(near, policy.similarity, _CANDIDATES), by_words)

    async def _vectors(self, access: Access, texts: Sequence[str]) -> list[Vector]:
        """Return what texts mean; none without a model, or where it does not answer.

        A private agent's words do not leave for another's server.
        """
        embedder = self._embedder
        if embedder is None or not texts or (access.private and not embedder.local):
            return []
        try:
            return await embedder.embed([sound(text) for text in texts])
        except ProviderError as error:
            _log.warning("no embedding: words alone are searched", reason=error.reason)
            return []

    def _count(self, what: str, kind: Kind) -> None:
        if self._counted is not None:
            self._counted(what, kind)

    def _count_all(self, found: Sequence[Found]) -> None:
        for each in found:
            self._count("recalled", each.memory.kind)


class MemoryActivities:
    """What a run is told at its start, and what it leaves at its end. Both idempotent."""

    def __init__(self, memory: Remembrance, transcripts: Transcripts) -> None:
        self._memory = memory
        self._transcripts = transcripts

    @activity.defn(name="memory.recall")
    async def recall(self, request: RecallRequest) -> Recollection:
        """Return what a run with this task should know, as one message."""
        access = request.access
        found = recollection(
            access,
            await self._memory.preferences(access),
            await self._memory.episodes(access, request.task),
            await self._memory.knowledge(access, request.task),
        )
        if found.text:
            # The first model call will ask for it.
            self._transcripts.remember(Message(role="user", text=found.text))
        _note("recalled", len(found.recalled))
        return found

    @activity.defn(name="memory.keep")
    async def keep(self, request: EpisodeToKeep) -> str:
        """Keep what a run leaves behind, and return its id."""
        access = request.access
        made = _made(access, "episode", request.episode.task, request.run_id, request.at)
        memory_id = access.scope.id_of("episode", request.run_id)
        kept = made.model_copy(update={"id": memory_id, "episode": request.episode})
        await self._memory.keep(access, [kept])
        _note("kept", 1)
        return memory_id


class RunMemory:
    """The memory as the tools of one call see it; `agents.remembering.Remembering`.

    Attributes:
        outside: The words of strangers had a part in what was recalled.
    """

    def __init__(self, memory: Remembrance, access: Access, run_id: str) -> None:
        self.outside = False
        self._memory = memory
        self._access = access
        self._run_id = run_id

    async def recall(self, question: str) -> Sequence[Found]:
        """Return the facts and passages that fit a question."""
        found = await self._memory.knowledge(self._access, question)
        self.outside |= any(each.memory.untrusted for each in found)
        return found

    async def remember(self, fact: str, source: str) -> str:
        """Keep a fact with its source; the same fact twice is one."""
        return await self._keep(self._made("fact", fact, fact).model_copy(
            update={"source": sound(source)}
        ))  # fmt: skip

    async def prefer(self, topic: str, preference: str) -> str:
        """Keep what the requester prefers, in place of what they preferred before.

        Raises:
            LookupError: The run has no requester.
        """
        by = self._access.by
        if not by:
            raise LookupError("the run does not say whose it is; start it with --by NAME")
        about = " ".join(sound(topic, MAX_NAME).split())
        made = self._made("preference", preference, by, about.lower())
        return await self._keep(made.model_copy(update={"topic": about}))

    def _made(self, kind: Kind, text: str, *parts: str) -> Memory:
        at = datetime.now(UTC)
        with suppress(RuntimeError):  # outside an activity there is no better moment
            at = activity.info().scheduled_time  # a repeated attempt keeps the same again
        return _made(self._access, kind, text, self._run_id, at, *parts)

    async def _keep(self, memory: Memory) -> str:
        await self._memory.keep(self._access, [memory])
        return memory.id


def _made(access: Access, kind: Kind, text: str, run_id: str, at: datetime, *parts: str) -> Memory:
    retention = access.policy.retention
    return Memory(
        id=access.scope.id_of(kind, *parts),
        kind=kind,
        scope=access.scope,
        text=sound(text),
        by=sound(access.by, MAX_NAME),
        run_id=run_id,
        untrusted=access.untrusted,
        at=at,
        expires_at=at + retention if retention else None,
    )


def _note(what: str, number: int) -> None:
    """Say on the activity's span how much there was, and nothing of what it said."""
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attribute(f"holdfast.memory.{what}", number)
