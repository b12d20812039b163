"""One research: documents, sub-tasks for specialists, a draft, its verification, the report.

The supervisor plans and decides on failures; specialists work in runs of their own and are handed
typed results, nothing else. No claim is released that its citations do not bear out. A crash costs
the steps under way; silence where a person is asked means: it goes on without that part.
"""

from collections.abc import Mapping
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.lifecycle import State
    from domain.research import Draft
    from domain.researching import (
        MAX_QUESTION,
        Collected,
        Composed,
        ReadRequest,
        ResearchRequest,
        ResearchResult,
        ResearchState,
        Section,
    )
    from domain.runs import Outcome
    from workflows import policies
    from workflows.children import Children
    from workflows.conducted import Conducted
    from workflows.ends import RefusedError
    from workflows.failures import FAILURES
    from workflows.specialists import Specialists
    from workflows.steps import sure
    from workflows.supervising import Supervisor
    from workflows.verifying import Verification

_NOTHING = "nothing was found that answers the question"


@workflow.defn(name="ResearchWorkflow", failure_exception_types=FAILURES)
class ResearchWorkflow(Conducted[ResearchResult]):
    """Owns one question, from the folder to the checked report."""

    NAME = "research"

    @workflow.init
    def __init__(self, request: ResearchRequest) -> None:
        self._request = request
        self._state = request.state or ResearchState(
            lineage=str(workflow.uuid4()), started_at=workflow.now()
        )
        super().__init__(request, self._state, budget=request.budget)
        self._children = Children(self, request, request.parallel)
        self._composed: Composed | None = None

    @workflow.run
    async def run(self, request: ResearchRequest) -> ResearchResult:
        """Work until the report is laid out, refused, or a person ends it.

        Raises:
            ApplicationError: Nobody came to a stopped run for seven days; non-retryable.
        """
        return await self.conduct(self._work)

    async def _work(self) -> None:
        self.desk.move(State.VALIDATING)
        await self._read()
        self.desk.move(State.PLANNING)
        supervisor = Supervisor(self, self._request, self._state, self._children)
        await supervisor.plan()
        self.desk.move(State.EXECUTING)
        specialists = Specialists(self, self._request, self._state, self._children, supervisor)
        while await specialists.work_next():
            self.show()
            self.carry_on_if_due()
        self.desk.move(State.REVIEWING)
        verification = Verification(self, self._state, self._children)
        while await verification.judge_next(self._draft()):
            self.show()
            self.carry_on_if_due()
        self._composed = await self._compose()

    async def _read(self) -> None:
        """Read the folder once: from here on a change of the files does not change the run."""
        if self._state.collected is not None:
            return
        question = self._request.question.strip()
        if not question:
            raise RefusedError('the question is empty; give one: {"question": "How …?"}')
        if len(question) > MAX_QUESTION:
            raise RefusedError(
                f"the question has {len(question):,} characters; {MAX_QUESTION:,} are allowed: "
                "put long material among the documents"
            )
        asked = ReadRequest(folder=self._request.documents, collection=self._state.lineage)
        collected = await sure(
            self.desk,
            "research.read",
            lambda: workflow.execute_activity(
                "research.read", asked, result_type=Collected, **policies.READ_FOLDER
            ),
        )
        self._state.collected = collected
        if collected.refusal:
            raise RefusedError(collected.refusal)

    def _draft(self) -> Draft:
        """Return what was written, an empty report where nobody could write one."""
        written = [worked.draft for worked in self._state.worked if worked.draft is not None]
        return written[-1] if written else Draft(title=self._request.question[:300])

    async def _compose(self) -> Composed:
        result = self._result(Outcome.COMPLETED, "")
        return await sure(
            self.desk,
            "research.compose",
            lambda: workflow.execute_activity(
                "research.compose", result, result_type=Composed, **policies.COMPUTE
            ),
        )

    # --- what it came to

    def _result(self, outcome: Outcome, reason: str) -> ResearchResult:
        state, draft = self._state, self._draft()
        if self._composed and not reason and not state.stated:
            reason = "no claim of the draft stood the checks" if draft.claims else _NOTHING
        collected = state.collected or Collected()
        return ResearchResult(
            **self._closed(outcome, reason),
            question=self._request.question,
            title=draft.title,
            sections=self._stated(draft),
            removed=tuple(state.removed),
            dropped=tuple(state.dropped),
            sources=tuple(state.sources.values()),
            documents=collected.documents,
            unread=collected.unread,
            others=collected.others,
            more=collected.more,
            work=tuple(state.worked),
            recoveries=tuple(state.recoveries),
            gaps=tuple(dict.fromkeys((*self._gaps(), *draft.gaps))),
            markdown=self._composed.markdown if self._composed else "",
            html=self._composed.html if self._composed else "",
        )

    def _stated(self, draft: Draft) -> tuple[Section, ...]:
        """Return the draft's sections with the claims that stand; an empty one is left out."""
        found = (
            Section(
                heading=section.heading,
                claims=tuple(claim for at, claim in self._state.stated if at == number),
            )
            for number, section in enumerate(draft.sections)
        )
        return tuple(section for section in found if section.claims)

    def _gaps(self) -> list[str]:
        return [gap for each in self._state.worked if each.evidence for gap in each.evidence.gaps]

    # --- what is shown

    def _title(self) -> str:
        return f"Research: {self._request.question[:120]}"

    def _running(self) -> str:
        return ", ".join(self._children.running[:8])

    def _status(self) -> dict[str, Any]:
        plan = tuple(f"{task.id}: {task.instruction}" for task in self._state.plan)
        return super()._status() | {"plan": plan}

    def _counts(self) -> Mapping[str, int]:
        state = self._state
        return {
            "documents": len(state.collected.documents) if state.collected else 0,
            "sub-tasks": len(state.plan),
            "settled": len(state.worked),
            "claims that stand": len(state.stated),
            "taken out": len(state.removed),
        }
