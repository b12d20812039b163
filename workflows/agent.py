"""One agent run: plan, then think, check, gate, act until an answer, a limit or a person ends it.

All durable state is `self._state`. After a crash Temporal replays recorded results into it, so
a recorded model call is never made, or paid for, twice. A crash costs the step under way.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

# The sandbox runs this file anew for each run. Its collaborators are passed through: they keep no
# state in modules, and running them anew cost 20 ms of CPU a run.
with workflow.unsafe.imports_passed_through():
    from domain import page
    from domain.activity import Resolved, ResolveRequest
    from domain.lifecycle import State
    from domain.messages import Message
    from domain.run import AgentRequest, AgentResult, Outcome, Status
    from domain.spec import AgentSpec
    from domain.state import AgentState
    from workflows import policies
    from workflows.acting import Actor
    from workflows.attended import Attended
    from workflows.desk import AbortedError
    from workflows.failures import FAILURES
    from workflows.planning import Planner
    from workflows.records import FINAL, keep_dead_letter, keep_report, said
    from workflows.reviewing import Reviewer
    from workflows.steps import sure, to_the_end
    from workflows.thinking import LimitReachedError, Thinker


class RefusedError(Exception):
    """The input cannot be worked on; it goes to the dead letters."""


@workflow.defn(name="AgentWorkflow", failure_exception_types=FAILURES)
class AgentWorkflow(Attended):
    """Owns one task, from request to result."""

    @workflow.init
    def __init__(self, request: AgentRequest) -> None:
        self._request = request
        self._state = request.state or AgentState(lineage=str(workflow.uuid4()))
        super().__init__(self._state.spec.approvals if self._state.spec else None)
        self.desk.worked_before = timedelta(seconds=self._state.worked_s)
        self.desk.decisions = self._state.decisions
        self.desk.ignored = self._state.ignored
        self.desk.asks_nobody = request.dry_run
        self._answer: Any = None
        self._actor: Actor | None = None

    @workflow.run
    async def run(self, request: AgentRequest) -> AgentResult:
        """Work until the run has an outcome; a cap, a refusal or an abort is one, no error.

        Raises:
            ApplicationError: Nobody came to a stopped run, or silence was declared a failure;
                non-retryable. `resume` takes such a run up again.
        """
        outcome, reason = Outcome.COMPLETED, ""
        try:
            await self._work(await self._intake())
        except RefusedError as refusal:
            outcome, reason = Outcome.REJECTED, str(refusal)
        except LimitReachedError as reached:
            outcome, reason = Outcome.LIMIT, f"limit reached: {reached.limit}"
        except AbortedError as ended:
            outcome, reason = Outcome.ABORTED, str(ended)
        except BaseException as error:
            if is_cancelled_exception(error):
                await self._close(Outcome.CANCELLED, "cancelled")
            elif isinstance(error, Exception) and workflow.in_workflow():
                await self._close(Outcome.FAILED, said(error))
            raise
        return await to_the_end(self._close(outcome, reason))

    # --- what the outside may ask

    @workflow.query
    def status(self) -> Status:
        """Counters, the open question, the stop; never the transcript."""
        state = self._state
        return Status(
            run_id=workflow.info().workflow_id,
            agent=self._request.agent,
            state=self.desk.life.state.value,
            turn=len(state.turns),
            tool=self._actor.running if self._actor else "",
            spend=state.spend,
            limits=state.spec.limits.model_dump(mode="json") if state.spec else {},
            plan=tuple(state.plan),
            question=self.desk.question.model_dump(mode="json") if self.desk.question else None,
            stop=self.desk.stop,
            ignored=tuple(state.ignored),
            decisions=tuple(state.decisions),
        )

    @workflow.query
    def snapshot(self, turn: int) -> AgentState:
        """Return the state after `turn` model calls, which a fork begins with."""
        return self._state.at(turn)

    # --- the phases

    async def _intake(self) -> AgentSpec:
        """Resolve the agent once. From here on an edit or a deploy does not change the run."""
        self.desk.move(State.VALIDATING)
        spec = self._state.spec
        if spec is None:
            request = self._request
            asked = ResolveRequest(
                agent=request.agent,
                task=request.task,
                data=request.data,
                limits=request.limits,
                dry_run=request.dry_run,
            )
            resolved = await sure(self.desk, "agent.resolve", lambda: _resolved(asked))
            if resolved.spec is None:
                raise RefusedError(resolved.refusal)
            spec = self._state.spec = resolved.spec
            self._state.add(Message(role="user", text=request.task), made=False)
        self.desk.approvals = spec.approvals
        return spec

    async def _work(self, spec: AgentSpec) -> None:
        thinker = Thinker(self._state, spec, self.desk)
        actor = self._actor = Actor(self._request, self._state, spec, self.desk)
        reviewer = Reviewer(self._request, self._state, spec, self.desk)
        self.desk.move(State.PLANNING)
        if self._state.phase == "start":
            await Planner(self._request, self._state, spec, self.desk, thinker).plan()
            self._state.begin()
        self.desk.move(State.EXECUTING)
        while True:
            reply = await thinker.think()
            if reply.message.calls:
                await actor.act(reply.message.calls)
                await reviewer.look_for_loops()
            else:
                self.desk.move(State.REVIEWING)
                if await reviewer.accepts(reply):
                    self._answer = reviewer.answer
                    return
                self.desk.move(State.REVISING)
                self.desk.move(State.EXECUTING)
            self._continue_as_new_if_due()
            self.show()

    def _continue_as_new_if_due(self) -> None:
        """Carry the whole state over at a turn's end, before the history grows too long."""
        if not workflow.info().is_continue_as_new_suggested():
            return
        if not workflow.all_handlers_finished():
            return  # the next turn's end will do
        self._state.worked_s = self.desk.worked().total_seconds()
        self._state.continued += 1
        workflow.continue_as_new(self._request.model_copy(update={"state": self._state}))

    # --- the end

    async def _close(self, outcome: Outcome, reason: str) -> AgentResult:
        """Undo what is to be undone, keep what the run came to, and close."""
        spec = self._state.spec
        undo = outcome in {Outcome.ABORTED, Outcome.CANCELLED}
        undo |= outcome is Outcome.LIMIT and spec is not None and spec.compensate_on_cap
        if undo and self._actor is not None:
            await self._actor.effects.compensate()
        result = self._result(outcome, reason)
        await self._keep(result)
        self.desk.move(FINAL[outcome])
        await workflow.wait_condition(workflow.all_handlers_finished)
        return result

    async def _keep(self, result: AgentResult) -> None:
        """Leave the result in the database. A run whose record cannot be kept still ends."""
        agent, tenant = self._request.agent, self._request.tenant
        with suppress(ActivityError):
            if result.outcome is Outcome.REJECTED and self._state.spec is None:
                await keep_dead_letter(agent, tenant, result.reason, self._request)
            await keep_report(agent, tenant, result.outcome, result)

    def _result(self, outcome: Outcome, reason: str) -> AgentResult:
        state = self._state
        return AgentResult(
            run_id=workflow.info().workflow_id,
            agent=self._request.agent,
            outcome=outcome,
            answer=self._answer,
            reason=reason,
            not_done=tuple(state.not_done),
            turns=len(state.turns),
            tool_calls=sum(1 for message in state.messages if message.role == "tool"),
            spend=state.spend,
            model=state.turns[-1].model if state.turns else "",
            decisions=tuple(state.decisions),
            writes=tuple(state.writes),
            undone=tuple(state.undone),
            ignored=tuple(state.ignored),
            head=state.head,
            continued=state.continued,
            closed_at=workflow.now(),
        )

    # --- what the page shows

    def _face(self) -> Mapping[str, Any]:
        return {
            "agent": self._request.agent,
            "tenant": self._request.tenant,
            "cost_usd": self._state.spend.cost_usd,
        }

    def _page(self) -> str:
        state = self._state
        return page.overview(
            title=f"{self._request.agent or 'no agent'}, turn {len(state.turns)}",
            state=self.desk.life.state.value,
            spend=state.spend,
            limits=state.spec.limits if state.spec else None,
            plan=state.plan,
        )


async def _resolved(asked: ResolveRequest) -> Resolved:
    return await workflow.execute_local_activity(
        "agent.resolve", asked, result_type=Resolved, **policies.RECORD
    )
