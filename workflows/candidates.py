"""An audit's candidates: a run each, in slices, each within a share of the audit's budget."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)
from temporalio.workflow import ParentClosePolicy

from workflows import policies
from workflows.agent import AgentWorkflow
from workflows.desk import Desk
from workflows.steps import together

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from domain.approval import Form
    from domain.audit import AuditorAnswer, Candidate, brief
    from domain.auditing import (
        AuditRequest,
        AuditState,
        Checked,
        Confirmed,
        ConfirmRequest,
    )
    from domain.budget import Limits, LimitsOverride, Pool, Spend
    from domain.run import AgentRequest, AgentResult, Outcome
    from domain.spec import AgentSpec

_SLICE = 64  # candidates between two moments at which the audit may continue as new


class Candidates:
    """Has every candidate looked at, and sorts what comes back."""

    def __init__(
        self, request: AuditRequest, state: AuditState, spec: AgentSpec, desk: Desk
    ) -> None:
        self._request = request
        self._state = state
        self._spec = spec
        self._desk = desk
        self._slots = asyncio.Semaphore(request.parallel)
        used = Spend(tokens=state.tokens, cost_usd=state.cost_usd)
        self._pool = Pool(request.tokens, request.cost_usd, used=used)
        self.running: list[str] = []

    async def look_at_next(self) -> None:
        """Look at the next slice of candidates, in parallel."""
        batch = self._state.waiting[:_SLICE]
        checked = await together(self._look_at(candidate) for candidate in batch)
        self._state.waiting = self._state.waiting[_SLICE:]
        for each in checked:
            self._sort(each)

    async def _look_at(self, candidate: Candidate) -> Checked:
        async with self._slots:
            share = self._share()
            await workflow.wait_condition(lambda: self._pool.fits(share) or not self._pool.reserved)
            run_id = f"{workflow.info().workflow_id}/{candidate.id}"
            if not self._pool.reserve(share):
                why = "the audit's budget has no share left for it"
                return Checked(
                    candidate=candidate, run_id=run_id, outcome=Outcome.LIMIT, why_not=why
                )
            self.running.append(candidate.id)
            try:
                return await self._run(candidate, run_id, share)
            finally:
                self.running.remove(candidate.id)

    def _share(self) -> Limits:
        limits = self._spec.limits
        return self._request.limits.over(limits) if self._request.limits else limits

    async def _run(self, candidate: Candidate, run_id: str, share: Limits) -> Checked:
        """Have one run look at `candidate`, then check what it reports."""
        used: Spend | None = None
        try:
            result = await workflow.execute_child_workflow(
                AgentWorkflow.run,
                self._asked(candidate, share),
                id=run_id,
                parent_close_policy=ParentClosePolicy.REQUEST_CANCEL,
                static_summary=f"account {candidate.account_id}, {candidate.days[-1]}",
            )
            used = result.spend
        except (ChildWorkflowError, WorkflowAlreadyStartedError) as error:
            if is_cancelled_exception(error):
                raise
            why = f"its run failed: {error.__cause__ or error}"
            return Checked(candidate=candidate, run_id=run_id, outcome=Outcome.FAILED, why_not=why)
        finally:
            self._pool.settle(share, used)  # a run that left no account is charged all of it
            if used is None:
                self._count(Spend(tokens=share.tokens, cost_usd=share.cost_usd), "")
        self._count(result.spend, result.model)
        return await self._checked(candidate, result)

    def _count(self, spend: Spend, model: str) -> None:
        self._state.model_calls += spend.steps
        self._state.tokens += spend.tokens
        self._state.cost_usd += spend.cost_usd
        self._state.model = model or self._state.model

    def _asked(self, candidate: Candidate, share: Limits) -> AgentRequest:
        profile, ledger = self._state.profile, self._state.ledger
        if profile is None or ledger is None:
            raise LookupError("a candidate is looked at before its ledger was profiled")
        return AgentRequest(
            agent=self._spec.name,
            task=brief(candidate, profile),
            data={"ledger": ledger.path},
            limits=LimitsOverride(**share.model_dump()),
            tenant=self._request.tenant,
            by=self._request.by,
            dry_run=self._request.dry_run,
        )

    async def _checked(self, candidate: Candidate, result: AgentResult) -> Checked:
        checked = Checked(candidate=candidate, run_id=result.run_id, outcome=result.outcome)
        if result.outcome is not Outcome.COMPLETED:
            return checked.model_copy(update={"why_not": result.reason})
        try:
            answer = AuditorAnswer.model_validate(result.answer)
        except ValidationError as error:
            why = f"its answer does not fit: {error.error_count()} fields"
            return checked.model_copy(update={"why_not": why})
        checked = checked.model_copy(update={"answer": answer})
        return await self._confirmed(checked, answer)

    async def _confirmed(self, checked: Checked, answer: AuditorAnswer) -> Checked:
        """Check a finding by a query that the model cannot influence."""
        profile, ledger = self._state.profile, self._state.ledger
        if answer.finding is None or profile is None or ledger is None:
            return checked
        asked = ConfirmRequest(path=ledger.path, profile=profile, finding=answer.finding)
        try:
            found = await workflow.execute_activity(
                "audit.confirm", asked, result_type=Confirmed, **policies.COMPUTE
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            why = f"it could not be checked: {error.cause}"
            return checked.model_copy(update={"why_not": why})
        more: dict[str, object] = {"confirmation": found.confirmation, "series": found.series}
        if not found.confirmation.confirmed:
            more["why_not"] = found.confirmation.reason
        return checked.model_copy(update=more)

    def _sort(self, checked: Checked) -> None:
        """Put a candidate where it belongs; nothing unconfirmed ever becomes a finding."""
        state, answer = self._state, checked.answer
        if checked.confirmation is not None and not checked.confirmation.confirmed:
            state.unconfirmed.append(checked)
        elif checked.why_not or answer is None:
            state.needs_review.append(checked)
        elif answer.finding is None:
            # The break is a fact of the ledger, whatever the model makes of it.
            why = f"its bookings do not fit and the auditor names no fault: {answer.reason}"
            state.needs_review.append(checked.model_copy(update={"why_not": why}))
        elif answer.confidence < self._request.min_confidence:
            why = f"its confidence is {answer.confidence}, under {self._request.min_confidence}"
            state.needs_review.append(checked.model_copy(update={"why_not": why}))
        else:
            state.findings.append(checked)

    # --- what passes a person

    async def review(self) -> None:
        """Put confirmed findings of little confidence before a person, one by one."""
        if self._request.dry_run:
            return
        unsure = [each for each in self._state.needs_review if each.confirmation is not None]
        for each in unsure:
            if each.answer is None or each.answer.finding is None:
                continue
            decision = await self._desk.ask(self._form(each))
            self._state.needs_review.remove(each)
            if decision.granted:
                self._state.findings.append(each.model_copy(update={"why_not": ""}))
                continue
            why = f"a person did not accept it. {decision.reason}".strip()
            self._state.unconfirmed.append(each.model_copy(update={"why_not": why}))

    def _form(self, checked: Checked) -> Form:
        answer = checked.answer
        finding = answer.finding if answer else None
        return Form(
            kind="finding",
            title=f"report a {finding.kind if finding else ''} fault in account "
            f"{checked.candidate.account_id}",
            why=checked.why_not,
            request=answer.reason if answer else "",
            done=tuple(answer.evidence) if answer else (),
            options=(
                ("approve", "it is reported as a finding"),
                ("reject", "it is kept apart, with your reason, and not reported"),
                ("abort", "the audit ends here"),
            ),
            tool="finding",
            arguments=finding.model_dump(mode="json") if finding else None,
        )
