"""A run from its start to its end: the base of every workflow here.

A subclass says what is to be done (`conduct` is given it), and what that has come to (`_result`).
How it ends, what it leaves in the database, what the outside may ask and see is the same for all.
"""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar

from temporalio import workflow
from temporalio.exceptions import FailureError

from workflows import policies
from workflows.attended import Attended
from workflows.ends import RefusedError, ended
from workflows.records import FINAL, keep_dead_letter, keep_report
from workflows.steps import sure

with workflow.unsafe.imports_passed_through():
    from domain import page
    from domain.activity import Resolved, ResolveRequest
    from domain.budget import Limits
    from domain.routing import apart
    from domain.run import Status
    from domain.runs import Outcome, Request, RunResult, RunState
    from domain.spec import AgentSpec, ApprovalPolicy

Result = TypeVar("Result", bound=RunResult)


class Conducted(Attended, Generic[Result]):
    """Base of the workflows.

    Attributes:
        NAME: What the run is called in lists and search attributes, where an agent's run has
            the agent's name.
        asked: The request, without the state that it may bring.
        memory: The state.
    """

    NAME: ClassVar[str] = ""

    def __init__(
        self,
        request: Request,
        state: RunState,
        budget: Limits | None = None,
        approvals: ApprovalPolicy | None = None,
    ) -> None:
        super().__init__(approvals)
        self.asked = request
        self.memory = state
        self.budget = budget
        self.desk.clock.worked_before = timedelta(seconds=state.worked_s)
        self.desk.clock.waited_before = timedelta(seconds=state.waited_s)
        self.desk.decisions = state.decisions
        self.desk.ignored = state.ignored
        self.desk.people = state.people
        self.desk.asks_nobody = request.dry_run
        self.desk.requester = request.by
        self._specs: dict[str, AgentSpec] = {}

    async def conduct(self, work: Callable[[], Coroutine[Any, Any, None]]) -> Result:
        """Do `work`, and close with what it came to.

        Raises:
            ApplicationError: Nobody came to a stopped run, or silence was declared a failure;
                non-retryable. `resume` takes such a run up again.
        """
        return await ended(work(), self._close)

    @abstractmethod
    def _result(self, outcome: Outcome, reason: str) -> Result:
        """Return what the run has come to; `_closed` has what all results have."""

    # --- what the outside may ask

    @workflow.query
    def status(self) -> Status:
        """Counters, the open question, the stop; never a transcript."""
        state, desk, limits = self.memory, self.desk, self._limits()
        return Status(
            run_id=workflow.info().workflow_id,
            agent=self._name(),
            state=desk.life.state.value,
            spend=state.spend,
            limits=limits.model_dump(mode="json") if limits else {},
            question=desk.question.model_dump(mode="json") if desk.question else None,
            stop=desk.stop,
            ignored=tuple(state.ignored),
            decisions=tuple(state.decisions),
            **self._status(),
        )

    @workflow.query
    def so_far(self) -> Any:
        """Return what the run has come to so far, in its result's form."""
        return self._result(Outcome.COMPLETED, f"in {self.desk.life.state}")

    # --- what the parts of a run need

    async def resolve(self, agent: str) -> AgentSpec:
        """Return the spec of an agent that takes part, as it was when the run first asked.

        Raises:
            RefusedError: There is no such agent; or one of them is private and another is not,
                which would be handed the private one's data.
        """
        if agent not in self._specs:
            asked = ResolveRequest(agent=agent, task="", takes_part=True, tenant=self.asked.tenant)
            resolved = await sure(self.desk, "agent.resolve", lambda: resolved_by(asked))
            if resolved.spec is None:
                raise RefusedError(resolved.refusal)
            self._keep_apart(resolved.spec)
            self._specs[agent] = resolved.spec
        return self._specs[agent]

    def _keep_apart(self, spec: AgentSpec) -> None:
        memory = self.memory
        private = spec.name if spec.private else memory.private_agent
        other = memory.other_agent if spec.private else spec.name
        if refusal := apart(private, other):
            raise RefusedError(refusal)
        memory.private_agent, memory.other_agent = private, other

    def carry_on_if_due(self) -> None:
        """Continue as new, with the whole state, before the history grows too long.

        Call it where nothing is under way: open runs, activities and questions would be lost.
        """
        if not workflow.info().is_continue_as_new_suggested():
            return
        if not workflow.all_handlers_finished():
            return  # the next time will do
        self.memory.worked_s = self.desk.clock.worked().total_seconds()
        self.memory.waited_s = self.desk.clock.waited().total_seconds()
        self.memory.people = self.desk.people
        self.memory.continued += 1
        workflow.continue_as_new(self.asked.model_copy(update={"state": self.memory}))

    # --- the end

    async def _close(self, outcome: Outcome, reason: str) -> Result:
        """Undo what is to be undone, keep what the run came to, and close."""
        await self._undo(outcome)
        result = self._result(outcome, reason)
        await self._keep(result)
        self.desk.move(FINAL[outcome])
        await workflow.wait_condition(workflow.all_handlers_finished)
        return result

    async def _undo(self, outcome: Outcome) -> None:
        """Undo what the run has done, where its outcome asks for that; nothing here."""

    async def _keep(self, result: Result) -> None:
        """Leave the result in the database. A run whose record cannot be kept still ends."""
        name, tenant = self._name(), self.asked.tenant
        with suppress(FailureError):
            if result.outcome is Outcome.REJECTED:
                await keep_dead_letter(name, tenant, result.reason, self.asked)
            await keep_report(name, tenant, result.outcome, result, by=self.asked.by)

    def _closed(self, outcome: Outcome, reason: str) -> dict[str, Any]:
        """Return the fields that every result has."""
        state = self.memory
        started = state.started_at or workflow.info().workflow_start_time
        read = {"tainted": tuple(state.tainted)} if state.tainted else {}
        people = self.desk.people.waiting(self.desk.clock.waited().total_seconds())
        return {
            **read,
            **({} if people.empty else {"people": people}),
            "run_id": workflow.info().workflow_id,
            "outcome": outcome,
            "reason": reason,
            "not_done": tuple(state.not_done),
            "decisions": tuple(state.decisions),
            "ignored": tuple(state.ignored),
            "spend": state.spend,
            "model": state.model,
            "seconds": (workflow.now() - started).total_seconds(),
            "continued": state.continued,
            "closed_at": workflow.now(),
        }

    # --- what is shown; a subclass changes what is not so for it

    def _name(self) -> str:
        return self.NAME

    def _title(self) -> str:
        return self._name()

    def _limits(self) -> Limits | None:
        return self.budget

    def _running(self) -> str:
        """Return what is under way, in a few words."""
        return ""

    def _counts(self) -> Mapping[str, int]:
        """Return what is counted, in words, for the page and the status."""
        return {}

    def _status(self) -> dict[str, Any]:
        """Return the fields of `Status` that only this workflow knows."""
        return {
            "turn": self.memory.spend.steps,
            "tool": self._running(),
            "extra": dict(self._counts()),
        }

    def _face(self) -> Mapping[str, Any]:
        return {
            "agent": self._name(),
            "tenant": self.asked.tenant,
            "cost_usd": self.memory.spend.cost_usd,
        }

    def _page(self) -> str:
        about = page.overview(
            title=self._title(),
            state=self.desk.life.state.value,
            spend=self.memory.spend,
            limits=self._limits(),
            plan=(),
        )
        counts = ", ".join(f"{number} {name}" for name, number in self._counts().items())
        if self.memory.alerted:
            about = f"{about}\n\n**Most of its budget is used**"
        return f"{about}\n\n{page.escape(counts)}" if counts else about


def resolved_by(asked: ResolveRequest) -> Awaitable[Resolved]:
    """Return what an agent's name stands for."""
    return workflow.execute_local_activity(
        "agent.resolve", asked, result_type=Resolved, **policies.RECORD
    )
