"""One agent run: plan, then think, check, gate, act until an answer, a limit or a person ends it.

All durable state is `self._state`. After a crash Temporal replays recorded results into it, so
a recorded model call is never made, or paid for, twice. A crash costs the step under way.
"""

from contextlib import suppress
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

# The sandbox runs this file anew for each run. Its collaborators are passed through: they keep no
# state in modules, and running them anew cost 20 ms of CPU a run.
with workflow.unsafe.imports_passed_through():
    from domain import page
    from domain.activity import ResolveRequest
    from domain.budget import Limits, LimitsOverride
    from domain.contract import digest
    from domain.folds import remembered
    from domain.lifecycle import State
    from domain.messages import Message
    from domain.page_memory import with_memory
    from domain.rule_log import Act
    from domain.run import AgentRequest, AgentResult, Outcome
    from domain.spec import AgentSpec
    from domain.state import AgentState, Effected
    from workflows.acting import Actor, HandedOnError
    from workflows.conducted import Conducted, resolved_by
    from workflows.ends import RefusedError
    from workflows.failures import FAILURES
    from workflows.folding import Folding
    from workflows.guarding import begin
    from workflows.lending import Borrower, said, tell
    from workflows.looping import Looping
    from workflows.nearing import Nearing, with_alert
    from workflows.planning import Planner
    from workflows.remembering import leave, recall
    from workflows.reviewing import Reviewer
    from workflows.ruling import handed_on
    from workflows.steps import sure
    from workflows.thinking import Thinker
    from workflows.undoing import Undoing
    from workflows.watches import watches_of
    from workflows.watching import Watches
    from workflows.work import Work


@workflow.defn(name="AgentWorkflow", failure_exception_types=FAILURES)
class AgentWorkflow(Conducted[AgentResult]):
    """Owns one task, from request to result."""

    @workflow.init
    def __init__(self, request: AgentRequest) -> None:
        self._request = request
        self._state = request.state or AgentState(
            lineage=request.lineage or str(workflow.uuid4()),
            started_at=workflow.now(),
            ruled_by=request.ruled_by,
            acts=list(request.acts),
        )
        spec = self._state.spec
        super().__init__(request, self._state, approvals=spec.approvals if spec else None)
        self._borrower = Borrower(self._state)
        self._answer: Any = None
        self._logprobs: dict[str, float] = {}
        self._actor: Actor | None = None

    @workflow.run
    async def run(self, request: AgentRequest) -> AgentResult:
        """Work until the run has an outcome; a cap, a refusal or an abort is one, no error."""
        return await self.conduct(self._work)

    @workflow.query
    def snapshot(self, turn: int) -> AgentState:
        """Return the state after `turn` model calls, which a fork begins with."""
        return self._state.at(turn)

    # --- what runs say to each other

    @workflow.signal
    async def budget_asked(self, *news: Any) -> None:
        """Take a run's word that it needs more than its share; for runs, not for people."""
        wanted = said(news)
        if wanted is None or self._actor is None:
            self.desk.ignore("budget_asked: this is for the runs below to send")
            return
        await tell(wanted.run_id, self._actor.delegates.lend(wanted))

    @workflow.signal
    def budget_granted(self, *news: Any) -> None:
        """Take the answer of the run above; for runs, not for people."""
        self._borrower.hear(news)

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
                ceiling=request.ceiling,
                answer_schema=request.answer_schema,
                dry_run=request.dry_run,
                tenant=request.tenant,
                by=request.by,
                private=request.private,
            )
            resolved = await sure(self.desk, "agent.resolve", lambda: resolved_by(asked))
            if resolved.spec is None:
                raise RefusedError(resolved.refusal)
            spec = self._state.spec = resolved.spec
            self._state.room = resolved.room
            begin(self._state, spec, (*request.tainted, *resolved.taints))
            self._state.add(Message(role="user", text=request.task), made=False)
            await recall(request, self._state, spec)
        self.desk.approvals = spec.approvals
        return spec

    async def _work(self) -> None:
        spec = await self._intake()
        work = Work(self._request, self._state, spec, self.desk)
        thinker = Thinker(work, self._borrower)
        watches = watches_of(work, thinker)
        actor = self._actor = Actor(work, watches)
        self.desk.move(State.PLANNING)
        if self._request.undo:
            await self._only_undo(work, actor)
            return
        if self._state.phase == "start":
            await Planner(work, thinker).plan()
            self._state.begin()
        self.desk.move(State.EXECUTING)
        try:
            await self._loop(work, thinker, actor, watches)
        except HandedOnError as handed:
            await self._hand_on(spec, handed)

    async def _loop(self, work: Work, thinker: Thinker, actor: Actor, watches: Watches) -> None:
        """Think and act, turn by turn, until an answer is accepted."""
        reviewer = Reviewer(work, watches)
        looping, folding = Looping(work), Folding(work, thinker)
        nearing = Nearing(work, self._borrower)
        while True:
            await nearing.look()
            await folding.fold_if_due()
            reply = await thinker.think()
            if reply.message.calls:
                looping.note(await actor.act(reply.message.calls))
                await looping.look()
            else:
                self.desk.move(State.REVIEWING)
                if await reviewer.accepts(reply):
                    self._answer, self._logprobs = reviewer.answer, reviewer.logprobs
                    return
                self.desk.move(State.REVISING)
                self.desk.move(State.EXECUTING)
            self.carry_on_if_due()
            self.show()

    async def _only_undo(self, work: Work, actor: Actor) -> None:
        """Undo what an earlier run of this agent did, for the run that had called it."""
        self._state.writes.extend(self._request.undo)
        self.desk.move(State.EXECUTING)
        await Undoing(work, actor.effects).compensate()

    async def _hand_on(self, spec: AgentSpec, handed: HandedOnError) -> None:
        """Go on as another agent, under this run's id: whoever waits for the run gets its answer.

        It is told the typed task and nothing of the transcript. What is spent stays spent, within
        this agent's limits; what was written can still be undone.
        """
        old = self._state
        done = Effected(
            tool=f"{spec.name} before it handed on",
            arguments={},
            key=old.lineage,
            text="",
            agent=spec.name,
            inner=tuple(old.writes),
        )
        state = AgentState(
            lineage=digest(old.lineage, "handed on", str(len(old.handed))),
            started_at=old.started_at,
            spend=old.spend,
            decisions=old.decisions,
            ignored=old.ignored,
            not_done=old.not_done,
            rejections=old.rejections,
            checks=old.checks.handed_on(),
            writes=[done] if old.writes else [],
            undone=old.undone,
            tainted=old.tainted,
            handed=[*old.handed, spec.name],
            waited_s=self.desk.clock.waited().total_seconds(),
            worked_s=self.desk.clock.worked().total_seconds(),
            continued=old.continued + 1,
            people=self.desk.people,
            **handed_on(spec, old),
        )
        await workflow.wait_condition(workflow.all_handlers_finished)
        changes: dict[str, Any] = {
            "agent": handed.agent,
            "task": handed.task,
            "limits": None,
            "ceiling": LimitsOverride(**old.limits.model_dump()),
            "answer_schema": None,
            "private": spec.private,
            "state": state,
        }
        workflow.continue_as_new(self._request.model_copy(update=changes))

    # --- the end

    async def _undo(self, outcome: Outcome) -> None:
        spec = self._state.spec
        undo = outcome in {Outcome.ABORTED, Outcome.CANCELLED}
        undo |= outcome is Outcome.LIMIT and spec is not None and spec.compensate_on_cap
        if undo and spec is not None and self._actor is not None:
            work = Work(self._request, self._state, spec, self.desk)
            await Undoing(work, self._actor.effects).compensate()

    async def _keep(self, result: AgentResult) -> None:
        await super()._keep(result)
        with suppress(FailureError):  # a run whose memory cannot be kept still ends
            await leave(self._request, self._state, result)

    def _result(self, outcome: Outcome, reason: str) -> AgentResult:
        state = self._state
        return AgentResult(
            **self._closed(outcome, reason),
            agent=self._request.agent,
            answer=self._answer,
            logprobs=self._logprobs,
            turns=len(state.turns),
            cached_turns=sum(turn.cached for turn in state.turns),
            tool_calls=sum(m.role == "tool" for m in state.messages) + state.window.calls,
            writes=tuple(state.writes),
            undone=tuple(state.undone),
            degraded=tuple(state.degraded),
            handed=tuple(state.handed),
            rejections=tuple(state.rejections),
            loops=tuple(state.loops),
            acts=self._acts(),
            near=state.course.near,
            checks=None if state.checks.empty else state.checks,
            waited_s=self.desk.clock.waited().total_seconds(),
            recalled=state.recalled,
            memory=remembered(state),
            lineage=self._request.lineage,
            head=state.head,
            held=state.base_head,
            unread=state.new(),
        )

    def _acts(self) -> tuple[Act, ...]:
        """Return what the run above is to know: what was done here and below."""
        above = len(self._request.ruled_by)
        return tuple(act for act in self._state.acts if above and act.level >= above)

    # --- what is shown

    def _name(self) -> str:
        return self._request.agent

    def _limits(self) -> Limits | None:
        return self._state.limits if self._state.spec else None

    def _status(self) -> dict[str, Any]:
        return {
            "turn": len(self._state.turns),
            "tool": self._actor.running if self._actor else "",
            "plan": tuple(self._state.plan),
            "memory": remembered(self._state),
        }

    def _page(self) -> str:
        state = self._state
        about = page.overview(
            title=f"{self._request.agent or 'no agent'}, turn {len(state.turns)}",
            state=self.desk.life.state.value,
            spend=state.spend,
            limits=self._limits(),
            plan=state.plan,
        )
        return with_memory(with_alert(about, state.course), remembered(state))
