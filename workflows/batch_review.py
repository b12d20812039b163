"""What a batch puts before a person: the unsure fields, a page of documents at a time."""

from typing import Any

from temporalio import workflow

from workflows import policies
from workflows.conducted import Conducted
from workflows.steps import sure

with workflow.unsafe.imports_passed_through():
    from domain.approval import Form
    from domain.batch import BatchRequest, BatchResult, BatchState, Counts, Document, Found
    from domain.batch_steps import CorrectionRequest, Page, PageRequest, RuleRequest
    from domain.contract import canonical

_MOST_BYTES = 12_000  # of a question; one document is always asked about whole
_MOST_QUOTE = 300
_MOST_NAMED = 200  # lines of the result; the rows show every field that was emptied
_NOBODY = "nobody answered in time"
_MODIFY = (
    'yours count: {"arguments": {"FILE": {"FIELD": value}}}, checked by the schema; null leaves a '
    "field empty, and what you do not name counts as it is shown"
)
_OPTIONS = (
    ("approve", "the fields count as they are shown"),
    ("modify", _MODIFY),
    ("reject", "these fields stay empty; without an answer, those of the next questions too"),
    ("abort", "the batch ends here; what was found is kept, and batch resume asks again"),
)


class BatchReview:
    """Asks about what is unsure, once every document has been looked at."""

    def __init__(
        self, run: Conducted[BatchResult], request: BatchRequest, state: BatchState
    ) -> None:
        self._run = run
        self._request = request
        self._state = state

    async def ask_next(self) -> bool:
        """Put the next page before a person; False where there is none.

        Raises:
            AbortedError: They end the batch.
        """
        page = await sure(self._run.desk, "batch.page", self._page)
        if not page:
            return False
        if self._state.nobody:
            await self._rule(page, granted=False, why=_NOBODY)
            return True
        shown = _shown(page)
        page = page[: len(shown)]

        async def check(changed: dict[str, Any]) -> str:
            return await self._wrong(page, changed)

        decision = await self._run.desk.ask(self._form(shown), check)
        # Whoever did not come to one question in days would not come to the next either.
        self._state.nobody = decision.verdict == "silence"
        # The rows have the values; the state would grow by them with every page.
        self._state.decisions[-1] = decision.model_copy(update={"arguments": None})
        changed = decision.arguments if decision.verdict == "modify" else None
        why = _NOBODY if self._state.nobody else decision.reason or "a person said no"
        await self._rule(page, granted=decision.granted, changed=changed, why=why)
        return True

    async def _page(self) -> tuple[Document, ...]:
        asked = PageRequest(
            run_id=workflow.info().workflow_id,
            after=self._state.seen,
            most=self._request.review_page,
            state="unsure",
        )
        page = await workflow.execute_local_activity(
            "batch.page", asked, result_type=Page, **policies.RECORD
        )
        return page.documents

    def _form(self, shown: dict[str, Any]) -> Form:
        fields = sum(len(each) for each in shown.values())
        first = next(iter(shown))
        where = first if len(shown) == 1 else f"{len(shown)} documents"
        return Form(
            kind="fields",
            title=f"accept {fields} unsure {'field' if fields == 1 else 'fields'} of {where}",
            why=f"the model is less than {self._request.min_confidence:g} sure, its quote is not "
            "in the document, or a field that is required is empty",
            request=f"the fields of {self._state.documents} documents in {self._request.directory}",
            options=_OPTIONS,
            arguments=shown,
        )

    async def _wrong(self, page: tuple[Document, ...], changed: dict[str, Any]) -> str:
        asked = CorrectionRequest(form=self._request.form, documents=page, changed=changed)
        return await workflow.execute_local_activity(
            "batch.check", asked, result_type=str, **policies.CHECK
        )

    async def _rule(
        self,
        page: tuple[Document, ...],
        *,
        granted: bool,
        why: str,
        changed: dict[str, Any] | None = None,
    ) -> None:
        asked = RuleRequest(
            run_id=workflow.info().workflow_id,
            positions=tuple(document.position for document in page),
            granted=granted,
            changed=changed or {},
        )
        counts = await sure(self._run.desk, "batch.rule", lambda: _ruled(asked))
        self._state.done, self._state.unsure = counts.done, counts.unsure
        self._state.seen = page[-1].position
        if not granted and len(self._state.not_done) < _MOST_NAMED:
            named = ", ".join(document.name for document in page)
            self._state.not_done.append(f"unsure fields were left empty in {named}: {why}")


async def _ruled(asked: RuleRequest) -> Counts:
    return await workflow.execute_local_activity(
        "batch.rule", asked, result_type=Counts, **policies.RECORD
    )


def _shown(page: tuple[Document, ...]) -> dict[str, dict[str, Any]]:
    """Return the unsure fields of the first documents of a page, as many as can be read."""
    shown: dict[str, dict[str, Any]] = {}
    for document in page:
        more = {name: _field(found) for name, found in document.unsure.items()}
        if shown and len(canonical(shown | {document.name: more})) > _MOST_BYTES:
            break
        shown[document.name] = more
    return shown


def _field(found: Found) -> dict[str, Any]:
    shown: dict[str, Any] = {"value": found.value, "confidence": found.confidence}
    if found.quote:
        shown["quote"] = found.quote[:_MOST_QUOTE]
    if not found.quoted:
        shown["note"] = "the quote is not in the document" if found.quote else "no quote was given"
    return shown
