"""A batch's own steps: listing, reading, keeping what was found, and summing it up.

All are idempotent: they read files, and write to the database what is written once. What a model
found is looked up in the document here, by rules that it cannot influence.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from temporalio import activity

from activities.heartbeat import beating
from activities.tools import Artifacts
from agents.extract import form as forms
from agents.extract import judge, summary
from agents.extract.task import brief
from agents.reading import files, folder
from domain.batch import MOST_NAMED, BatchRequest, Counts, Document, DocumentState, Failure, Summary
from domain.batch_steps import (
    CorrectionRequest,
    CountRequest,
    KeepRequest,
    Kept,
    Listed,
    ListRequest,
    Opened,
    OpenRequest,
    Page,
    PageRequest,
    RuleRequest,
    SummaryRequest,
)
from domain.runs import Outcome

_AT_ONCE: Final = 4  # documents that are parsed at once: it is work for a processor
_PARSE_S: Final = 120.0
_PAGE: Final = 200
_MOST_REASON: Final = 1_000
_ASKED: Final = "a person would have been asked about the answer: "


class Batches(Protocol):
    """Where a batch's list and results are kept."""

    async def request(self, run_id: str) -> BatchRequest | None:
        """Return what a batch was asked."""
        ...

    async def others(self, run_id: str) -> int:
        """Return how many files of other kinds its folder held."""
        ...

    async def create(
        self, run_id: str, asked: ListRequest, names: Sequence[str], others: int
    ) -> None:
        """Keep a batch and its list, unless it is there."""
        ...

    async def take_over(self, run_id: str, asked: ListRequest) -> None:
        """Keep a batch with another one's list and what that one finished."""
        ...

    async def counts(self, run_id: str) -> Counts:
        """Return how many documents are in each state."""
        ...

    async def page(
        self, run_id: str, after: int = 0, most: int = 200, state: DocumentState | None = None
    ) -> list[Document]:
        """Return the next documents behind a position."""
        ...

    async def get(self, run_id: str, positions: Sequence[int]) -> list[Document]:
        """Return these documents."""
        ...

    async def settle(self, run_id: str, document: Document) -> DocumentState:
        """Write what a listed document came to; return its state."""
        ...

    async def review(self, run_id: str, document: Document) -> DocumentState:
        """Write what was decided on an unsure document; return its state."""
        ...


class BatchActivities:
    """What a batch does besides its documents' runs."""

    def __init__(self, batches: Batches, artifacts: Artifacts) -> None:
        self._batches = batches
        self._artifacts = artifacts
        self._parsing = asyncio.Semaphore(_AT_ONCE)

    @activity.defn(name="batch.list")
    async def list(self, asked: ListRequest) -> Listed:
        """Put the folder's documents into the database, or say why nothing can be done."""
        run_id, request = activity.info().workflow_id or "", asked.request
        try:
            form = forms.checked(request.form)
            if request.into is not None:
                forms.checked(request.into)
            async with beating():
                await self._list(run_id, asked)
        except (forms.FormError, folder.FolderError, LookupError) as error:
            return Listed(refusal=str(error.args[0]))
        return Listed(
            answer_schema=forms.answer_schema(form),
            counts=await self._batches.counts(run_id),
            others=await self._batches.others(run_id),
        )

    async def _list(self, run_id: str, asked: ListRequest) -> None:
        request = asked.request
        if not request.resumes:
            found = await asyncio.to_thread(folder.listing, request.directory)
            names = [_sayable(entry.name) for entry in found.documents]
            await self._batches.create(run_id, asked, names, found.others)
        else:
            earlier = await self._batches.request(request.resumes)
            if earlier is None or earlier.tenant != request.tenant:
                raise LookupError(f"there is no batch {request.resumes!r} to go on with")
            await self._batches.take_over(run_id, asked)

    @activity.defn(name="batch.page")
    async def page(self, request: PageRequest) -> Page:
        """Return the next documents in a state; bare names where they are still to be read."""
        found = await self._batches.page(request.run_id, request.after, request.most, request.state)
        if request.state == "listed":
            found = [Document(position=each.position, name=each.name) for each in found]
        return Page(documents=tuple(found))

    @activity.defn(name="batch.open")
    async def open(self, request: OpenRequest) -> Opened:
        """Read a document and keep its text; one that cannot be read has failed, and is named."""
        try:
            content = await self._read(request.directory, request.name)
        except files.UnreadableError as error:
            failed = Document(
                position=request.position,
                name=request.name,
                state="failed",
                reason=str(error)[:_MOST_REASON],
            )
            await self._batches.settle(request.run_id, failed)
            return Opened(why_not=str(error)[:_MOST_REASON])
        # By the hash of what it holds, so a copy is kept once.
        reference = await self._artifacts.put(content, "text/plain")
        return Opened(task=brief(request.name, content, request.inline), reference=reference)

    async def _read(self, directory: str, name: str) -> bytes:
        async with self._parsing:
            try:
                reading = asyncio.to_thread(_text, directory, name)
                read = await asyncio.wait_for(reading, _PARSE_S)
            except TimeoutError:
                raise files.UnreadableError(
                    f"it could not be read in {_PARSE_S:.0f} seconds"
                ) from None
        return read.encode("utf-8", "replace")

    @activity.defn(name="batch.keep")
    async def keep(self, request: KeepRequest) -> Kept:
        """Judge what a document's run found, and write it down, once."""
        document = Document(
            position=request.position,
            name="",
            run_id=request.child,
            tokens=request.tokens,
            cost_usd=request.cost_usd,
        )
        state, more = await self._judged(request)
        document = document.model_copy(update={"state": state, **more})
        return Kept(state=await self._batches.settle(request.run_id, document))

    async def _judged(self, request: KeepRequest) -> tuple[DocumentState, dict[str, Any]]:
        if request.outcome is not Outcome.COMPLETED or request.reason:
            reason = request.reason.removeprefix(_ASKED) or request.outcome.value
            return "failed", {"reason": reason[:_MOST_REASON]}
        content = await self._artifacts.get(request.reference)
        if content is None:
            return "failed", {"reason": "its text is not kept any more, so no quote can be checked"}
        try:
            fields = await asyncio.to_thread(
                judge.judged, request.answer, content.decode(), request.form, request.min_confidence
            )
        except judge.UnusableError as error:
            return "failed", {"reason": str(error)[:_MOST_REASON]}
        unsure = any(found.standing == "unsure" for found in fields.values())
        return ("unsure" if unsure else "done"), {"fields": fields}

    @activity.defn(name="batch.check")
    async def check(self, request: CorrectionRequest) -> str:
        """Say what is wrong with what a person wrote; nothing if it may count."""
        unsure = {each.name: frozenset(each.unsure) for each in request.documents}
        return await asyncio.to_thread(
            judge.correction_problems, request.form, unsure, request.changed
        )

    @activity.defn(name="batch.rule")
    async def rule(self, request: RuleRequest) -> Counts:
        """Write what was decided on unsure documents; return how the batch stands."""
        changed = judge.values_of(request.changed)
        for document in await self._batches.get(request.run_id, request.positions):
            fields = (
                judge.corrected(document.fields, changed.get(document.name, {}))
                if request.granted
                else judge.emptied(document.fields)
            )
            after = document.model_copy(update={"state": "done", "fields": fields})
            await self._batches.review(request.run_id, after)
        return await self._batches.counts(request.run_id)

    @activity.defn(name="batch.count")
    async def count(self, request: CountRequest) -> Counts:
        """Return how many documents are in each state."""
        return await self._batches.counts(request.run_id)

    @activity.defn(name="batch.sum")
    async def sum(self, request: SummaryRequest) -> Summary:
        """Merge by code: what each field came to over all rows, and what failed."""
        async with beating():
            return await self._summed(request)

    async def _summed(self, request: SummaryRequest) -> Summary:
        summing, failures, after = summary.Summing(request.form), list[Failure](), 0
        while page := await self._batches.page(request.run_id, after, _PAGE):
            after = page[-1].position
            for each in page:
                if each.state == "done":
                    summing.add(each)
                elif each.state == "failed" and len(failures) < MOST_NAMED:
                    failures.append(Failure(document=each.name, reason=each.reason))
        return summing.summary().model_copy(update={"failures": tuple(failures)})


def _text(directory: str, name: str) -> str:
    root = Path(directory).expanduser().resolve()
    path = root / name
    # Listed as a file of the folder; it may have become a link since.
    if not path.resolve().is_relative_to(root):
        raise files.UnreadableError("it lies outside of the folder")
    return files.read(path).text


def _sayable(name: str) -> str:
    """Return a file's name as a database can hold it; one that is not UTF-8 is not found later."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
