"""The edges of a run: resolving its agent, refusing its input, keeping what it came to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from temporalio import activity

from activities.transcripts import Transcripts
from agents.toolkit import Agent
from domain.activity import DeadLetter, Report, Resolved, ResolveRequest
from domain.contract import canonical
from domain.run import MAX_TASK_BYTES


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
    ) -> None:
        """Keep what a run came to; a later call for the same run replaces it."""
        ...


class RunActivities:
    """What a run needs before its first turn and after its last. All idempotent."""

    def __init__(
        self,
        agents: Mapping[str, Agent],
        transcripts: Transcripts,
        dead_letters: DeadLetters,
        runs: Runs,
    ) -> None:
        self._agents = agents
        self._transcripts = transcripts
        self._dead_letters = dead_letters
        self._runs = runs

    @activity.defn(name="agent.resolve")
    async def resolve(self, request: ResolveRequest) -> Resolved:
        """Return the spec that the run keeps, or why the input is refused."""
        if refusal := self._refusal(request):
            return Resolved(refusal=refusal)
        spec = self._agents[request.agent].spec()
        if request.limits is not None:
            spec = spec.model_copy(update={"limits": request.limits.over(spec.limits)})
        self._transcripts.remember_spec(spec)  # the first model call will ask for it
        return Resolved(spec=spec)

    def _refusal(self, request: ResolveRequest) -> str:
        agent = self._agents.get(request.agent)
        if agent is None:
            return f"there is no agent {request.agent!r}; the agents are {sorted(self._agents)}"
        if not request.task.strip():
            return (
                f'the task is empty; give one, for example {{"agent": "{agent.name}", "task": …}}'
            )
        size = len(request.task.encode("utf-8", "surrogatepass"))
        if size > MAX_TASK_BYTES:
            return f"the task has {size} bytes; {MAX_TASK_BYTES} are allowed: hand it in as a file"
        missing = [name for name in agent.inputs if not request.data.get(name)]
        if missing:
            return f"agent {agent.name!r} needs data {missing}; given: {sorted(request.data)}"
        return ""

    @activity.defn(name="dead_letters.put")
    async def put_dead_letter(self, letter: DeadLetter) -> None:
        """Keep a refused input, so that it can be mended and sent again."""
        await self._dead_letters.add(
            run_id=letter.run_id,
            agent=letter.agent,
            tenant=letter.tenant,
            reason=letter.reason,
            payload=canonical({"workflow": letter.workflow, "input": letter.payload}).decode(),
        )

    @activity.defn(name="runs.put")
    async def put_report(self, report: Report) -> None:
        """Keep what a closed run came to."""
        await self._runs.closed(
            run_id=report.run_id,
            agent=report.agent,
            tenant=report.tenant,
            outcome=report.outcome,
            result=canonical({"workflow": report.workflow, **report.result}).decode(),
            started_at=report.started_at,
        )
