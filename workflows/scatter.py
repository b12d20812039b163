"""A batch's documents: a run each, so many at once, every one accounted for.

The workflow holds no list: lanes take the next document from a page of names, look at it, and
write what came of it to the database. Where the history grows long, the lanes end as their
documents do, and the batch continues as new with a number: how far it has come.
"""

import asyncio
from collections import deque
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from workflows import policies
from workflows.children import Child, Children
from workflows.conducted import Conducted
from workflows.ends import LimitReachedError
from workflows.steps import sure, together

with workflow.unsafe.imports_passed_through():
    from domain.batch import BatchRequest, BatchResult, BatchState, Document
    from domain.batch_steps import KeepRequest, Kept, Opened, OpenRequest, Page, PageRequest
    from domain.contract import canonical
    from domain.run import Came
    from domain.runs import Outcome

AGENT = "extract"
_PAGE = 200  # names that the workflow holds at once
# Bytes of a document that its run's task holds; of a longer one it reads the rest page by page. A
# task is in the histories four times: twice here, twice in its run's; a page is there once.
_INLINE = 10_000
# All lanes may begin in one workflow task, and the server takes no message above 4 MB.
_MOST_AT_ONCE = 2_500_000
_BESIDES = 2_000  # bytes of a start that are neither text nor schema
_OWN_LIMIT = "limit reached"  # how a run says that it came to a limit of its own


class Scatter:
    """Has every document looked at."""

    def __init__(
        self, run: Conducted[BatchResult], request: BatchRequest, state: BatchState
    ) -> None:
        self._run = run
        self._request = request
        self._state = state
        # A document's run asks nobody: what is unsure is put before a person by the batch, so
        # that one who does not answer holds up no other document.
        unattended = request.model_copy(update={"dry_run": True})
        self._children = Children(run, unattended, request.parallel)
        self._ahead: deque[Document] = deque()
        self._turn = asyncio.Lock()
        self._begun: dict[str, datetime] = {}
        self._no_room = ""
        self.ended = False

    @property
    def running(self) -> list[str]:
        """The runs under way."""
        return self._children.running

    async def look_on(self) -> None:
        """Look at documents until there are no more, or the batch had better continue as new.

        Raises:
            LimitReachedError: The budget has no room for another document.
        """
        watch = asyncio.ensure_future(self._give_up_what_stands())
        try:
            await together(self._lane() for _ in range(self._lanes()))
        except (Exception, asyncio.CancelledError):  # not where the run is thrown away: see home.py
            await _over(watch)
            raise
        await _over(watch)
        if self._no_room:
            raise LimitReachedError(f"tokens or cost_usd of the batch; {self._no_room}")

    def _lanes(self) -> int:
        """Return how many documents are looked at at once: fewer where each is asked for a lot."""
        each = 2 * _INLINE + len(canonical(self._state.answer_schema)) + _BESIDES
        return max(1, min(self._request.parallel, _MOST_AT_ONCE // each))

    async def _lane(self) -> None:
        while (document := await self._next()) is not None:
            await self._look_at(document)

    async def _next(self) -> Document | None:
        """Take the next document; None where the lanes are to end."""
        async with self._turn:
            if self._no_room or workflow.info().is_continue_as_new_suggested():
                return None
            if not self._ahead and not self.ended:
                self._ahead.extend(await sure(self._run.desk, "batch.page", self._page))
                self.ended = not self._ahead
            if not self._ahead:
                return None
            document = self._ahead.popleft()
            # Whoever continues as new has waited for all that were taken.
            self._state.cursor = document.position
            return document

    async def _page(self) -> tuple[Document, ...]:
        asked = PageRequest(
            run_id=workflow.info().workflow_id, after=self._state.cursor, most=_PAGE, state="listed"
        )
        page = await workflow.execute_local_activity(
            "batch.page", asked, result_type=Page, **policies.RECORD
        )
        return page.documents

    async def _look_at(self, document: Document) -> None:
        opened = await sure(self._run.desk, "batch.open", lambda: self._open(document))
        if opened.why_not:
            self._count("failed")
            return
        child = Child(
            id=f"doc-{document.position:05d}",
            agent=AGENT,
            task=opened.task,
            data={"document": opened.reference},
            answer_schema=self._state.answer_schema,
            summary=document.name,
        )
        self._begun[child.id] = workflow.now()
        try:
            came = await self._children.run(child)
        finally:
            del self._begun[child.id]
        if _not_started(came):
            self._no_room = came.reason
            return
        kept = await sure(
            self._run.desk, "batch.keep", lambda: self._keep(document, opened.reference, came)
        )
        self._count(kept.state)

    async def _open(self, document: Document) -> Opened:
        asked = OpenRequest(
            run_id=workflow.info().workflow_id,
            directory=self._request.directory,
            position=document.position,
            name=document.name,
            inline=_INLINE,
        )
        return await workflow.execute_local_activity(
            "batch.open", asked, result_type=Opened, **policies.READ
        )

    async def _keep(self, document: Document, reference: str, came: Came) -> Kept:
        # A run that asks nobody says instead what it would have asked about.
        reason = came.reason or "; ".join(came.not_done)
        asked = KeepRequest(
            run_id=workflow.info().workflow_id,
            position=document.position,
            reference=reference,
            form=self._request.form,
            min_confidence=self._request.min_confidence,
            child=came.run_id,
            outcome=came.outcome,
            answer=came.answer,
            reason=reason,
            tokens=came.spend.tokens,
            cost_usd=came.spend.cost_usd,
        )
        return await workflow.execute_local_activity(
            "batch.keep", asked, result_type=Kept, **policies.RECORD
        )

    def _count(self, state: str) -> None:
        setattr(self._state, state, getattr(self._state, state) + 1)
        self._run.show()

    async def _give_up_what_stands(self) -> None:
        """End, from time to time, the runs that have stood still for too long.

        Only one that waits for a person hears it: to one that works it says nothing.
        """
        patience = timedelta(seconds=self._request.patience_s)
        while True:
            await workflow.sleep(patience)
            late = workflow.now() - patience
            for child_id in [name for name, begun in self._begun.items() if begun <= late]:
                handle: Any = workflow.get_external_workflow_handle(
                    f"{workflow.info().workflow_id}/{child_id}"
                )
                with suppress(FailureError):  # it has just ended
                    await handle.signal("abort", {"by": "the batch, which waits no longer"})


def _not_started(came: Came) -> bool:
    """Whether the batch's budget had no room for it."""
    mine = came.reason.startswith(_OWN_LIMIT)
    return came.outcome is Outcome.LIMIT and not came.spend.steps and not mine


async def _over(watch: "asyncio.Future[None]") -> None:
    watch.cancel()
    with suppress(asyncio.CancelledError):
        await watch
