"""Replies of models that are used again, for agents that allow it: the same request, to the byte.

A reply is kept under a hash of tenant, agent, model and request without its caller, so nothing
crosses from one tenant or agent to another. A kept reply with calls of tools is used as well: the
calls are checked, put to a person and made as any, and a write's key is its run's own.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final, Protocol
from weakref import WeakValueDictionary

from pydantic import ValidationError

from activities.models import Model
from activities.providers.base import Shape, Wire
from domain.budget import NOTHING
from domain.contract import digest
from domain.halts import EVERYBODY
from domain.spec import AgentSpec
from domain.thinking import Reply, ThinkRequest

# A reply that was cut or withheld is no answer to keep.
_WHOLE: Final = frozenset({"stop", "tool_calls"})


class Answers(Protocol):
    """Where replies are kept; bounded, and shared by all workers."""

    async def find(self, key: str) -> str | None:
        """Return what is kept under `key`, and count its use."""
        ...

    async def keep(
        self, key: str, *, tenant: str, agent: str, model: str, reply: str, seconds: float
    ) -> bool:
        """Keep a reply for `seconds`; False where it is too large."""
        ...


class NoAnswers:
    """Keeps nothing."""

    async def find(self, key: str) -> str | None:
        """Find nothing."""
        del key
        return None

    async def keep(
        self, key: str, *, tenant: str, agent: str, model: str, reply: str, seconds: float
    ) -> bool:
        """Keep nothing."""
        del key, tenant, agent, model, reply, seconds
        return False


class AnswerCache:
    """Finds and keeps replies for the calls of one worker."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def alone(self, key: str) -> AsyncGenerator[None]:
        """Hold back equal requests of this worker while one is asked: they find its reply."""
        lock = self._asking.get(key)
        if lock is None:
            lock = self._asking[key] = asyncio.Lock()
        async with lock:
            yield

    async def find(self, key: str) -> Reply | None:
        """Return the reply kept under `key`, as one that cost nothing."""
        kept = await self._answers.find(key)
        if kept is None:
            return None
        try:
            reply = Reply.model_validate_json(kept)
        except ValidationError:
            return None  # another version of this code kept it
        return reply.model_copy(update={"cached": True})

    async def keep(self, key: str, spec: AgentSpec, request: ThinkRequest, reply: Reply) -> None:
        """Keep a whole reply for as long as the agent says."""
        if reply.finish not in _WHOLE:
            return
        alone = reply.model_copy(
            update={"cost_usd": NOTHING, "lost_tokens": 0, "lost_cost_usd": NOTHING}
        ).model_dump_json()
        await self._answers.keep(
            key,
            tenant=request.tenant or EVERYBODY,
            agent=spec.name,
            model=reply.model,
            reply=alone,
            seconds=spec.cache_s,
        )


def key_of(
    spec: AgentSpec, request: ThinkRequest, model: Model, shape: Shape, wires: Sequence[Wire]
) -> str:
    """Return what a reply is kept under; empty where the agent wants each one bought.

    A temperature asks for another reply each time, so it turns the cache off.
    """
    if not spec.cache_s or spec.temperature:
        return ""
    body = model.provider.body(replace(shape, caller=""), wires)
    stand_in = "stand-in" if model.provider.stand_in else ""
    return digest(request.tenant or EVERYBODY, spec.name, model.name, stand_in, body, length=64)
