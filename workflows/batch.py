"""One batch: the same fields out of every document of a folder, merged into one typed result.

Each document is looked at by a run of its own, isolated from the others; what cannot be had of it
is named, and the rest goes on. List and results are in the database: the state is numbers, the
same for fifty documents and ten thousand. A crash costs the steps under way; the documents' runs
go on by themselves. Silence about unsure fields means that they stay empty.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from temporalio import workflow

# The sandbox runs this file anew for each run. Its collaborators are passed through: they keep no
# state in modules, and running them anew cost 20 ms of CPU a run.
with workflow.unsafe.imports_passed_through():
    from domain.batch import BatchRequest, BatchResult, BatchState, Counts, Summary
    from domain.batch_steps import CountRequest, Listed, ListRequest, SummaryRequest
    from domain.lifecycle import State
    from domain.runs import Outcome
    from domain.spec import ApprovalPolicy
    from workflows import policies
    from workflows.batch_review import BatchReview
    from workflows.children import Child, Children
    from workflows.conducted import Conducted
    from workflows.ends import RefusedError
    from workflows.failures import FAILURES
    from workflows.scatter import AGENT, Scatter
    from workflows.steps import sure

MERGER = "merge"


@workflow.defn(name="BatchWorkflow", failure_exception_types=FAILURES)
class BatchWorkflow(Conducted[BatchResult]):
    """Owns one folder, from its list to the merged result."""

    NAME = "batch"

    @workflow.init
    def __init__(self, request: BatchRequest) -> None:
        self._request = request
        self._state = request.state or BatchState(
            lineage=str(workflow.uuid4()), started_at=workflow.now()
        )
        within = timedelta(seconds=request.answer_within_s)
        policy = ApprovalPolicy(timeout=within)
        super().__init__(request, self._state, budget=request.budget, approvals=policy)
        self._scatter = Scatter(self, request, self._state)
        self._summary: Summary | None = None
        self._answer: Any = None

    @workflow.run
    async def run(self, request: BatchRequest) -> BatchResult:
        """Look at every document, ask about what is unsure, merge."""
        return await self.conduct(self._work)

    # --- the phases

    async def _work(self) -> None:
        self.desk.move(State.VALIDATING)
        await self.resolve(AGENT)
        if self._request.merge == "synthesise":
            await self.resolve(MERGER)
        self.desk.move(State.PLANNING)
        if not self._state.listed:
            await self._list()
        self.desk.move(State.EXECUTING)
        await self._look_at_all()
        self.desk.move(State.REVIEWING)
        await self._review()
        await self._merge()

    async def _list(self) -> None:
        """Have the list made. It is recorded, so a file that comes later is not in this batch."""
        asked = ListRequest(
            request=self._request.model_copy(update={"state": None}), lineage=self._state.lineage
        )
        listed = await sure(
            self.desk,
            "batch.list",
            lambda: workflow.execute_activity(
                "batch.list", asked, result_type=Listed, **policies.COMPUTE
            ),
        )
        if listed.refusal:
            raise RefusedError(listed.refusal)
        counts, state = listed.counts, self._state
        state.documents = counts.listed + counts.done + counts.unsure + counts.failed
        state.done, state.unsure, state.failed = counts.done, counts.unsure, counts.failed
        state.reused = counts.done + counts.unsure if self._request.resumes else 0
        state.others, state.answer_schema = listed.others, listed.answer_schema
        state.listed = True

    async def _look_at_all(self) -> None:
        while not self._scatter.ended and not self._state.merging:
            await self._scatter.look_on()
            await self._carry_on()
        self._state.merging = True
        # After a reset some were done already, and were not counted on the way.
        asked = CountRequest(run_id=workflow.info().workflow_id)
        self._take(
            await sure(
                self.desk,
                "batch.count",
                lambda: workflow.execute_local_activity(
                    "batch.count", asked, result_type=Counts, **policies.RECORD
                ),
            )
        )

    async def _review(self) -> None:
        """Ask about unsure fields, now that nobody's answer keeps a document waiting."""
        if self._request.dry_run:
            if self._state.unsure:
                self._state.not_done.append(
                    f"unsure fields that nobody was asked about: {self._state.unsure} documents"
                )
            return
        review = BatchReview(self, self._request, self._state)
        while await review.ask_next():
            await self._carry_on()

    async def _merge(self) -> None:
        asked = SummaryRequest(run_id=workflow.info().workflow_id, form=self._request.form)
        summary = self._summary = await sure(
            self.desk,
            "batch.sum",
            lambda: workflow.execute_activity(
                "batch.sum", asked, result_type=Summary, **policies.COMPUTE
            ),
        )
        if self._request.merge == "synthesise" and summary.rows:
            await self._synthesise(summary)

    async def _synthesise(self, summary: Summary) -> None:
        """Have one run make an answer of the rows, which it pages through."""
        child = Child(
            id=MERGER,
            agent=MERGER,
            task={"summary": summary.model_dump(mode="json")},
            data={"batch": workflow.info().workflow_id},
            answer_schema=self._request.into,
            summary=f"{summary.rows} rows",
        )
        came = await Children(self, self._request, 1).run(child)
        if came.ok:
            self._answer = came.answer
        else:
            why = came.reason or came.outcome.value
            self._state.not_done.append(f"the rows were not made into an answer: {why}")

    async def _carry_on(self) -> None:
        if workflow.info().is_continue_as_new_suggested():
            await workflow.wait_condition(workflow.all_handlers_finished)
            self.carry_on_if_due()

    def _take(self, counts: Counts) -> None:
        state = self._state
        state.done, state.unsure, state.failed = counts.done, counts.unsure, counts.failed

    # --- what it comes to, and what is shown

    def _result(self, outcome: Outcome, reason: str) -> BatchResult:
        state = self._state
        return BatchResult(
            **self._closed(outcome, reason),
            documents=state.documents,
            done=state.done,
            unsure=state.unsure,
            failed=state.failed,
            left=self._left(),
            reused=state.reused,
            others=state.others,
            directory=self._request.directory,
            resumes=self._request.resumes,
            summary=self._summary,
            answer=self._answer,
        )

    def _left(self) -> int:
        state = self._state
        return max(0, state.documents - state.done - state.unsure - state.failed)

    def _title(self) -> str:
        return f"Batch of {self._state.documents} documents"

    def _running(self) -> str:
        return f"{len(self._scatter.running)} documents" if self._scatter.running else ""

    def _counts(self) -> Mapping[str, int]:
        state = self._state
        return {
            "documents": state.documents,
            "done": state.done,
            "failed": state.failed,
            "waiting for a person": state.unsure,
            "left": self._left(),
        }
