"""One audit of a ledger: snapshot, profile, screening, a run a candidate, checks, the report.

Each suspicious account is looked at by a run of its own, isolated from the others, within a
share of the audit's budget. What the model reports is confirmed by a query that it cannot
influence, or is kept apart with the reason. A crash costs the steps under way; the candidates'
runs go on by themselves. Silence at the filing gate means: not filed.
"""

import asyncio
from collections.abc import Mapping, Sequence

from temporalio import workflow

# The sandbox runs this file anew for each run. Its collaborators are passed through: they keep no
# state in modules, and running them anew cost 20 ms of CPU a run.
with workflow.unsafe.imports_passed_through():
    from domain.audit import PreparedLedger, ScreenRequest, ScreenResult
    from domain.auditing import AuditRequest, AuditResult, AuditState, Prepared, Profiled
    from domain.lifecycle import State
    from domain.run import Outcome
    from domain.spec import AgentSpec
    from workflows import policies
    from workflows.candidates import Candidates
    from workflows.conducted import Conducted
    from workflows.ends import RefusedError
    from workflows.failures import FAILURES
    from workflows.filing import file, render
    from workflows.steps import sure, together

AGENT = "auditor"


@workflow.defn(name="AuditWorkflow", failure_exception_types=FAILURES)
class AuditWorkflow(Conducted[AuditResult]):
    """Owns one ledger, from its snapshot to the filed report."""

    NAME = AGENT

    @workflow.init
    def __init__(self, request: AuditRequest) -> None:
        self._request = request
        self._state = request.state or AuditState(
            lineage=str(workflow.uuid4()), started_at=workflow.now()
        )
        super().__init__(request, self._state, budget=request.budget)
        self._candidates: Candidates | None = None
        self._report = ""
        self._filed = ""

    @workflow.run
    async def run(self, request: AuditRequest) -> AuditResult:
        """Audit until the report is filed, refused, or a person ends it."""
        return await self.conduct(self._audit)

    # --- the phases

    async def _audit(self) -> None:
        self.desk.move(State.VALIDATING)
        spec, ledger = await self._intake()
        self.desk.move(State.PLANNING)
        batches = await self._profile(ledger)
        self.desk.move(State.EXECUTING)
        if not self._state.screened:
            await self._screen(ledger, batches)
        candidates = self._candidates = Candidates(self, self._request, self._state)
        while self._state.waiting:
            await candidates.look_at_next()
            self.show()
            self.carry_on_if_due()
        self.desk.move(State.REVIEWING)
        await candidates.review()
        title = self._title()
        self._report = await render(title, self._result(Outcome.COMPLETED, ""))
        self._filed = await file(self, spec, title, self._report)

    async def _intake(self) -> tuple[AgentSpec, PreparedLedger]:
        """Resolve the auditor and take the snapshot; both are recorded, so neither changes."""
        spec = await self.resolve(AGENT)
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
        return spec, ledger

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

    # --- the end

    def _result(self, outcome: Outcome, reason: str) -> AuditResult:
        state, ledger = self._state, self._state.ledger
        return AuditResult(
            **self._closed(outcome, reason),
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
            filed=self._filed,
            report=self._report,
            model_calls=state.spend.steps,
            tokens=state.spend.tokens,
            cost_usd=state.spend.cost_usd,
        )

    # --- what the page shows

    def _title(self) -> str:
        ledger = self._state.ledger
        return self._request.title or f"Audit of {ledger.name if ledger else self._request.ledger}"

    def _running(self) -> str:
        return ", ".join(self._candidates.running) if self._candidates else ""

    def _counts(self) -> Mapping[str, int]:
        state = self._state
        return {
            "accounts screened": state.accounts_screened,
            "candidates": state.candidates,
            "waiting": len(state.waiting),
            "findings": len(state.findings),
            "for review": len(state.needs_review),
            "unconfirmed": len(state.unconfirmed),
        }
