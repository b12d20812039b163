"""The edges of a run: resolving its agent, refusing its input, keeping what it came to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.counting import Counting
from activities.guarding.door import Door, Privileges
from activities.routed import Named, RouteError, routed
from activities.transcripts import Transcripts
from agents.toolkit import Agent
from domain.activity import DeadLetter, Report, Resolved, ResolveRequest
from domain.budget import Limits
from domain.context import no_room
from domain.contract import canonical
from domain.routing import ROUTES
from domain.run import MAX_TASK_BYTES, AgentResult, Kept, KeptRequest
from domain.spec import AgentSpec


class DeadLetters(Protocol):
    """Where refused inputs are kept."""

    async def add(self, *, run_id: str, agent: str, tenant: str, reason: str, payload: str) -> str:
        """Keep an input and return its id; the same run's twice is one."""
        ...


class Runs(Protocol):
    """Where closed runs are kept, longer than the server keeps their histories."""

    async def closed(
        self,
        *,
        run_id: str,
        agent: str,
        tenant: str,
        outcome: str,
        result: str,
        started_at: datetime | None = None,
        by: str = "",
    ) -> None:
        """Keep what a run came to; a later call for the same run replaces it."""
        ...

    async def result(self, run_id: str) -> str | None:
        """Return what a closed run came to, as JSON; None where nothing is kept."""
        ...


class RunActivities:
    """What a run needs before its first turn and after its last. All idempotent."""

    def __init__(
        self,
        agents: Mapping[str, Agent],
        transcripts: Transcripts,
        dead_letters: DeadLetters,
        runs: Runs,
        routes: Named = ROUTES,
        *,
        privileges: Privileges | None = None,
        weights: Mapping[str, float] | None = None,
        counting: Counting | None = None,
    ) -> None:
        self._counting = counting
        self._weights = weights or {}
        self._door = Door(agents, privileges)
        self._routes = routes
        self._agents = agents
        self._transcripts = transcripts
        self._dead_letters = dead_letters
        self._runs = runs

    @activity.defn(name="agent.resolve")
    async def resolve(self, request: ResolveRequest) -> Resolved:
        """Return the spec that the run keeps, or why the input is refused."""
        if refusal := self._refusal(request):
            return Resolved(refusal=refusal)
        try:
            spec = self._routed(_fitted(self._agents[request.agent].spec(), request), request)
        except RouteError as error:
            return Resolved(refusal=str(error))
        if not request.takes_part and (refusal := no_room(spec, request.task)):
            return Resolved(refusal=refusal)
        spec = weighed(spec, self._weights.get(request.tenant))
        spec = await self._door.fitted(spec, request.tenant)
        found = await self._door.admit(spec, request)
        if found.refusal:
            return Resolved(refusal=found.refusal)
        self._transcripts.remember_spec(spec)  # the first model call will ask for it
        own = _own_limits(self._agents[request.agent].spec(), request)
        resolved = Resolved(spec=spec, room=own) if own != spec.limits else Resolved(spec=spec)
        return resolved.model_copy(update={"taints": found.taints}) if found.taints else resolved

    def _routed(self, spec: AgentSpec, request: ResolveRequest) -> AgentSpec:
        def below(name: str) -> AgentSpec | None:
            agent = self._agents.get(name)
            return agent.spec() if agent else None

        return routed(spec, self._routes, below, private=request.private)

    def _refusal(self, request: ResolveRequest) -> str:
        agent = self._agents.get(request.agent)
        if agent is None:
            return f"there is no agent {request.agent!r}; the agents are {sorted(self._agents)}"
        if request.answer_schema is not None and (wrong := _not_a_schema(request.answer_schema)):
            return f"answer_schema is no JSON Schema: {wrong}"
        return "" if request.takes_part else _unfit(agent, request)

    @activity.defn(name="dead_letters.put")
    async def put_dead_letter(self, letter: DeadLetter) -> str:
        """Keep what was refused or failed for good, to be sent again; return the letter's id."""
        sent: dict[str, Any] = {"workflow": letter.workflow, "input": letter.payload}
        if letter.task:
            sent |= {"task": letter.task, "lineage": letter.lineage}
        return await self._dead_letters.add(
            run_id=letter.run_id,
            agent=letter.agent,
            tenant=letter.tenant,
            reason=letter.reason,
            payload=canonical(sent).decode(),
        )

    @activity.defn(name="runs.put")
    async def put_report(self, report: Report) -> None:
        """Keep what a closed run came to, and count it."""
        await self._runs.closed(
            run_id=report.run_id,
            agent=report.agent,
            tenant=report.tenant,
            outcome=report.outcome,
            result=canonical({"workflow": report.workflow, **report.result}).decode(),
            started_at=report.started_at,
            by=report.by,
        )
        if self._counting is not None:
            await self._counting.count(activity.info().workflow_run_id or report.run_id, report)

    @activity.defn(name="runs.get")
    async def get(self, request: KeptRequest) -> Kept:
        """Return what a closed run came to. Idempotent: it only looks.

        Raises:
            ApplicationError: It is still under way; retryable, so that its end is waited for.
        """
        kept = await self._runs.result(request.run_id)
        if kept is None:
            raise ApplicationError(f"run {request.run_id!r} is under way", type="UnderWay")
        result = AgentResult.model_validate_json(kept)
        mine = bool(request.lineage) and result.lineage == request.lineage
        return Kept(result=result) if mine else Kept()


def _not_a_schema(schema: dict[str, Any]) -> str:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return error.message
    return ""


def _own_limits(spec: AgentSpec, request: ResolveRequest) -> Limits:
    return request.limits.over(spec.limits) if request.limits else spec.limits


def _fitted(spec: AgentSpec, request: ResolveRequest) -> AgentSpec:
    """Return the spec with what the run's starter has set."""
    limits, changed = _own_limits(spec, request), dict[str, object](standing=True)
    if request.ceiling is not None:
        limits = request.ceiling.under(limits)
    if limits != spec.limits:
        changed["limits"] = limits
    if request.answer_schema is not None:
        changed["answer_schema"] = request.answer_schema
    return spec.model_copy(update=changed)


def weighed(spec: AgentSpec, weight: float | None) -> AgentSpec:
    """Return the spec with its tenant's part of the turns, where one is set."""
    if weight is None or spec.turns is None:
        return spec
    turns = spec.turns.model_copy(update={"weight": weight})
    return spec.model_copy(update={"turns": turns})


def _unfit(agent: Agent, request: ResolveRequest) -> str:
    """Return why an agent cannot begin with this task and data."""
    if not request.task.strip():
        return f'the task is empty; give one, for example {{"agent": "{agent.name}", "task": …}}'
    size = len(request.task.encode("utf-8", "surrogatepass"))
    if size > MAX_TASK_BYTES:
        return f"the task has {size} bytes; {MAX_TASK_BYTES} are allowed: hand it in as a file"
    missing = [name for name in agent.inputs if not request.data.get(name)]
    if missing:
        return f"agent {agent.name!r} needs data {missing}; given: {sorted(request.data)}"
    return ""
