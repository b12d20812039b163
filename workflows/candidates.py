"""An audit's candidates: a run each, in slices, each within a share of the audit's budget."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows import policies
from workflows.children import Child, Children
from workflows.conducted import Conducted
from workflows.steps import together

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from domain.approval import Form
    from domain.audit import AuditorAnswer, Candidate, brief
    from domain.auditing import (
        AuditRequest,
        AuditResult,
        AuditState,
        Checked,
        Confirmed,
        ConfirmRequest,
    )
    from domain.run import Came

_SLICE = 64  # candidates between two moments at which the audit may continue as new


class Candidates:
    """Has every candidate looked at, and sorts what comes back."""

    def __init__(
        self, run: Conducted[AuditResult], request: AuditRequest, state: AuditState
    ) -> None:
        self._run = run
        self._request = request
        self._state = state
        self._children = Children(run, request, request.parallel)

    @property
    def running(self) -> list[str]:
        """The candidates that are looked at now."""
        return self._children.running

    async def look_at_next(self) -> None:
        """Look at the next slice of candidates, in parallel."""
        batch = self._state.waiting[:_SLICE]
        checked = await together(self._look_at(candidate) for candidate in batch)
        self._state.waiting = self._state.waiting[_SLICE:]
        for each in checked:
            self._sort(each)

    async def _look_at(self, candidate: Candidate) -> Checked:
        """Have one run look at `candidate`, then check what it reports."""
        profile, ledger = self._state.profile, self._state.ledger
        if profile is None or ledger is None:
            raise LookupError("a candidate is looked at before its ledger was profiled")
        child = Child(
            id=candidate.id,
            agent=self._run.NAME,
            task=brief(candidate, profile),
            data={"ledger": ledger.path},
            summary=f"account {candidate.account_id}, {candidate.days[-1]}",
        )
        return await self._checked(candidate, await self._children.run(child))

    async def _checked(self, candidate: Candidate, came: Came) -> Checked:
        checked = Checked(candidate=candidate, run_id=came.run_id, outcome=came.outcome)
        if not came.ok:
            return checked.model_copy(update={"why_not": came.reason})
        try:
            answer = AuditorAnswer.model_validate(came.answer)
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
            decision = await self._run.desk.ask(self._form(each))
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
