"""What a run is let in with: its tenant's tools, and a task that may be taken up."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from temporalio import activity

from activities.guarding.calls import forbidden
from activities.guarding.coming import Intake, intake
from agents.toolkit import Agent
from domain.activity import ResolveRequest
from domain.guard import Asker, GuardPolicy, Privilege
from domain.rejections import COUNTER
from domain.spec import AgentSpec
from domain.tools import ToolSpec

_INLINE = 2_000  # characters; below it a thread's hand-over costs more than the look
_OFF = GuardPolicy(taint=False, injection="off", injected_task="off", secrets="off")


class Privileges(Protocol):
    """Which tools agents have for a tenant."""

    async def of(self, tenant: str, agent: str) -> Privilege | None:
        """Return what an agent may use for a tenant; None where nothing is cut."""
        ...


class Door:
    """Lets runs in."""

    def __init__(self, agents: Mapping[str, Agent], privileges: Privileges | None = None) -> None:
        self._agents = agents
        self._privileges = privileges

    async def fitted(self, spec: AgentSpec, tenant: str) -> AgentSpec:
        """Return the spec with the tools that its tenant has: a model is not offered others."""
        allowed = await self._privileges.of(tenant, spec.name) if self._privileges else None
        if allowed is None:
            return spec
        guards = (spec.guards or _OFF).model_copy(update={"privilege": allowed})

        def kept(tools: tuple[ToolSpec, ...]) -> tuple[ToolSpec, ...]:
            return tuple(tool for tool in tools if not allowed.refuses(tool))

        cut = {"tools": kept(spec.tools), "workflow_tools": kept(spec.workflow_tools)}
        return spec.model_copy(update={"guards": guards, **cut})

    async def admit(self, spec: AgentSpec, request: ResolveRequest) -> Intake:
        """Return why a run does not begin, or what taints it from its start."""
        guards = spec.guards
        if guards is None or request.takes_part:
            return Intake()
        size = len(request.task) + sum(map(len, request.data.values()))
        if size < _INLINE:
            found = intake(request, guards)
        else:
            found = await asyncio.to_thread(intake, request, guards)
        if not found.refusal and guards.identifiers:
            found = await self._untouched(spec, request, guards, found)
        if found.refusal:
            _count(found.by)
        return found

    async def _untouched(
        self, spec: AgentSpec, request: ResolveRequest, guards: GuardPolicy, found: Intake
    ) -> Intake:
        asker = Asker(
            agent=spec.name,
            tenant=request.tenant,
            by=request.by,
            task=request.task,
            data=request.data,
        )
        wrong = await forbidden(self._agents, asker, guards)
        return Intake(refusal=wrong, by="identifiers") if wrong else found


def _count(by: str) -> None:
    activity.logger.warning("a task was refused by %s", by)
    activity.metric_meter().create_counter(*COUNTER).add(1, {"by": by})
