"""One audit of a ledger: snapshot, profile, screening, a run a candidate, checks, the report.

Each suspicious account is looked at by a run of its own, isolated from the others, within a
share of the audit's budget. What the model reports is confirmed by a query that it cannot
influence, or is kept apart with the reason. A crash costs the steps under way; the candidates'
runs go on by themselves. Silence at the filing gate means: not filed.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

# The sandbox runs this file anew for each run. Its collaborators are passed through: they keep no
# state in modules, and running them anew cost 20 ms of CPU a run.
with workflow.unsafe.imports_passed_through():
    from domain import page
    from domain.activity import Resolved, ResolveRequest
    from domain.audit import PreparedLedger, ScreenRequest, ScreenResult
    from domain.auditing import AuditRequest, AuditResult, AuditState, Prepared, Profiled
    from domain.budget import Limits, Spend
    from domain.lifecycle import State
    from domain.run import Outcome, Status
    from domain.spec import AgentSpec
    from workflows import policies
    from workflows.attended import Attended
    from workflows.candidates import Candidates
    from workflows.desk import AbortedError
    from workflows.failures import FAILURES
    from workflows.filing import Filing
    from workflows.records import FINAL, keep_dead_letter, keep_report, said
    from workflows.steps import sure, to_the_end, together

AGENT = "auditor"
_Out = TypeVar("_Out")


class RefusedError(Exception):
    """The ledger cannot be audited; the input goes to the dead letters."""


@workflow.defn(name="AuditWorkflow", failure_exception_types=FAILURES)
class AuditWorkflow(Attended):
    """Owns one ledger, from its snapshot to the filed report."""

    @workflow.init
    def __init__(self, request: AuditRequest) -> None:
        self._request = request
        self._state = request.state or AuditState(
            lineage=str(workflow.uuid4()), started_at=workflow.now()
        )
        super().__init__()
        self.desk.worked_before = timedelta(seconds=self._state.worked_s)
        self.desk.decisions = self._state.decisions
        self.desk.ignored = self._state.ignored
        self.desk.asks_nobody = request.dry_run
        self._candidates: Candidates | None = None
        self._report = ""
        self._filed = ""

    @workflow.run
    async def run(self, request: AuditRequest) -> AuditResult:
        """Audit until the report is filed, refused, or a person ends it.

        Raises:
            ApplicationError: Nobody came to a stopped audit for seven days; non-retryable.
        """
        outcome, reason = Outcome.COMPLETED, ""
        try:
            await self._audit()
        except RefusedError as refusal:
            outcome, reason = Outcome.REJECTED, str(refusal)
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
        """Counters, the open question, the stop."""
        state, desk = self._state, self.desk
        return Status(
            run_id=workflow.info().workflow_id,
            agent=AGENT,
            state=desk.life.state.value,
            turn=state.model_calls,
            tool=", ".join(self._candidates.running) if self._candidates else "",
            spend=self._spend(),
            limits=self._limits().model_dump(mode="json"),
            question=desk.question.model_dump(mode="json") if desk.question else None,
            stop=desk.stop,
            ignored=tuple(state.ignored),
            decisions=tuple(state.decisions),
            extra=self._counts(),
        )

    @workflow.query
    def so_far(self) -> AuditResult:
        """Return what the audit has come to so far."""
        return self._result(Outcome.COMPLETED, f"in {self.desk.life.state}")

    # --- the phases

    async def _audit(self) -> None:
        self.desk.move(State.VALIDATING)
        spec, ledger = await self._intake()
        self.desk.move(State.PLANNING)
        batches = await self._profile(ledger)
        self.desk.move(State.EXECUTING)
        if not self._state.screened:
            await self._screen(ledger, batches)
        candidates = self._candidates = Candidates(self._request, self._state, spec, self.desk)
        while self._state.waiting:
            await candidates.look_at_next()
            self.show()
            self._continue_as_new_if_due()
        self.desk.move(State.REVIEWING)
        await candidates.review()
        filing = Filing(self._request, self._state, spec, self.desk)
        self._report = await filing.render(self._title(), self._result(Outcome.COMPLETED, ""))
        self._filed = await filing.file(self._title(), self._report)

    async def _intake(self) -> tuple[AgentSpec, PreparedLedger]:
        """Resolve the auditor and take the snapshot; both are recorded, so neither changes."""
        asked = ResolveRequest(agent=AGENT, task="audit", data={"ledger": "-"})
        resolved = await sure(
            self.desk,
            "agent.resolve",
            lambda: workflow.execute_local_activity(
                "agent.resolve", asked, result_type=Resolved, **policies.RECORD
            ),
        )
        if resolved.spec is None:
            raise RefusedError(resolved.refusal)
        ledger = self._state.ledger
        if ledger is None:
            given = self._request.model_copy(update={"state": None})
            prepared = await sure(
                self.desk,
                "audit.prepare",
                lambda: workflow.execute_activity(
                    "audit.prepare", given, result_type=Prepared, **policies.COMPUTE
                ),
            )
            if prepared.ledger is None:
                raise RefusedError(prepared.refusal)
            ledger = self._state.ledger = prepared.ledger
        return resolved.spec, ledger

    async def _profile(self, ledger: PreparedLedger) -> Sequence[tuple[str, ...]]:
        if self._state.profile is not None:
            return ()
        profiled = await sure(
            self.desk,
            "audit.profile",
            lambda: workflow.execute_activity(
                "audit.profile",
                args=[ledger.path, self._request.batch_accounts],
                result_type=Profiled,
                **policies.COMPUTE,
            ),
        )
        self._state.profile = profiled.profile
        return profiled.batches

    async def _screen(self, ledger: PreparedLedger, batches: Sequence[tuple[str, ...]]) -> None:
        """Screen all accounts in batches; one batch's trouble is its own."""
        slots = asyncio.Semaphore(self._request.parallel)

        async def screen(accounts: tuple[str, ...]) -> ScreenResult:
            profile = self._state.profile
            if profile is None:
                raise LookupError("the ledger has no profile before it is screened")
            asked = ScreenRequest(path=ledger.path, profile=profile, accounts=accounts)
            async with slots:
                return await sure(
                    self.desk,
                    "audit.screen",
                    lambda: workflow.execute_activity(
                        "audit.screen", asked, result_type=ScreenResult, **policies.COMPUTE
                    ),
                )

        for found in await together(screen(batch) for batch in batches):
            self._state.accounts_screened += found.accounts
            self._state.waiting.extend(found.candidates)
            self._state.failed_accounts.update(found.failed)
        self._state.candidates = len(self._state.waiting)
        self._state.screened = True
        self.show()

    def _continue_as_new_if_due(self) -> None:
        """Carry the state over between slices, when no candidate's run is under way."""
        if not workflow.info().is_continue_as_new_suggested():
            return
        if not workflow.all_handlers_finished():
            return
        self._state.worked_s = self.desk.worked().total_seconds()
        self._state.continued += 1
        workflow.continue_as_new(self._request.model_copy(update={"state": self._state}))

    # --- the end

    async def _close(self, outcome: Outcome, reason: str) -> AuditResult:
        result = self._result(outcome, reason)
        with suppress(ActivityError):  # a run whose record cannot be kept still ends
            if outcome is Outcome.REJECTED:
                await keep_dead_letter(AGENT, self._request.tenant, reason, self._request)
            await keep_report(AGENT, self._request.tenant, outcome, result)
        self.desk.move(FINAL[outcome])
        await workflow.wait_condition(workflow.all_handlers_finished)
        return result

    def _result(self, outcome: Outcome, reason: str) -> AuditResult:
        state, ledger = self._state, self._state.ledger
        started = state.started_at or workflow.info().workflow_start_time
        return AuditResult(
            run_id=workflow.info().workflow_id,
            outcome=outcome,
            reason=reason,
            title=self._title(),
            ledger=ledger,
            profile=state.profile,
            accounts=ledger.accounts if ledger else 0,
            transactions=ledger.transactions if ledger else 0,
            accounts_screened=state.accounts_screened,
            candidates=state.candidates,
            failed_accounts=dict(state.failed_accounts),
            findings=tuple(state.findings),
            needs_review=tuple(state.needs_review),
            unconfirmed=tuple(state.unconfirmed),
            not_done=tuple(state.not_done),
            decisions=tuple(state.decisions),
            ignored=tuple(state.ignored),
            filed=self._filed,
            report=self._report,
            model_calls=state.model_calls,
            tokens=state.tokens,
            cost_usd=state.cost_usd,
            model=state.model,
            seconds=(workflow.now() - started).total_seconds(),
        )

    # --- what the page shows

    def _title(self) -> str:
        ledger = self._state.ledger
        return self._request.title or f"Audit of {ledger.name if ledger else self._request.ledger}"

    def _face(self) -> Mapping[str, Any]:
        return {
            "agent": AGENT,
            "tenant": self._request.tenant,
            "cost_usd": self._state.cost_usd,
        }

    def _page(self) -> str:
        about = page.overview(
            title=self._title(),
            state=self.desk.life.state.value,
            spend=self._spend(),
            limits=self._limits(),
            plan=(),
        )
        counts = ", ".join(f"{number} {name}" for name, number in self._counts().items())
        return f"{about}\n\n{page.escape(counts)}"

    def _counts(self) -> dict[str, int]:
        state = self._state
        return {
            "accounts screened": state.accounts_screened,
            "candidates": state.candidates,
            "waiting": len(state.waiting),
            "findings": len(state.findings),
            "for review": len(state.needs_review),
            "unconfirmed": len(state.unconfirmed),
        }

    def _spend(self) -> Spend:
        state = self._state
        return Spend(steps=state.model_calls, tokens=state.tokens, cost_usd=state.cost_usd)

    def _limits(self) -> Limits:
        return Limits(steps=10**9, tokens=self._request.tokens, cost_usd=self._request.cost_usd)
