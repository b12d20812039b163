"""A research's own steps: reading the folder, checking claims by rules, laying out the report.

All are idempotent: a document is known by the hash of its text, a report by the hash of its own.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from temporalio import activity

from activities.heartbeat import beating
from agents.reading import support
from agents.reading.files import Text, UnreadableError, read
from agents.reading.folder import Entry, FolderError, listing
from agents.reading.passages import Cut, cut, document_id
from agents.reading.report import markdown
from domain.research import Citation, Claim
from domain.researching import (
    CheckedClaim,
    CheckedClaims,
    CheckRequest,
    Collected,
    Composed,
    Document,
    Passage,
    ReadRequest,
    ResearchResult,
    Unread,
)

_LONGEST_S: Final = 90.0
_MOST_NAMED: Final = 2_000
_MOST_NAME: Final = 1_000
Page = Callable[[ResearchResult], str]


class Documents(Protocol):
    """Where documents and their passages are kept and found."""

    async def add(
        self, collection: str, name: str, document: str, characters: int, cuts: Sequence[Cut]
    ) -> None:
        """Keep a document with its passages under a name of a collection. Idempotent."""
        ...

    async def passages(self, collection: str, ids: Sequence[str]) -> tuple[Passage, ...]:
        """Return those of `ids` that are passages of the collection."""
        ...


class Artifacts(Protocol):
    """Where reports are kept."""

    async def put(self, content: bytes, media_type: str) -> str:
        """Keep `content` and return its id."""
        ...


class ResearchActivities:
    """What a research does besides its specialists' runs.

    Args:
        documents: Shared by all workers.
        artifacts: The same.
        page: Draws a result as one HTML page.
    """

    def __init__(self, documents: Documents, artifacts: Artifacts, page: Page) -> None:
        self._documents = documents
        self._artifacts = artifacts
        self._page = page

    @activity.defn(name="research.read")
    async def read(self, request: ReadRequest) -> Collected:
        """Read a folder into a collection; a file that cannot be read does not hide the others."""
        async with beating():
            try:
                there = await asyncio.to_thread(listing, request.folder)
            except (FolderError, OSError) as error:
                return Collected(refusal=str(error))
            found: list[Document] = []
            unread: list[Unread] = []
            for entry in there.documents:
                one = await self._one(entry, request.collection)
                if isinstance(one, Document):
                    found.append(one)
                else:
                    unread.append(one)
        if not found:
            return _nothing(request.folder, unread)
        return Collected(
            documents=tuple(found[:_MOST_NAMED]),
            unread=tuple(unread[:_MOST_NAMED]),
            others=there.others,
            more=max(0, len(found) - _MOST_NAMED),
        )

    async def _one(self, entry: Entry, collection: str) -> Document | Unread:
        try:
            # What hangs in a broken file goes on in its thread; the others do not wait for it.
            async with asyncio.timeout(_LONGEST_S):
                text, cuts = await asyncio.to_thread(_read, entry)
        except UnreadableError as error:
            return Unread(name=entry.name, reason=str(error))
        except TimeoutError:
            return Unread(name=entry.name, reason=f"reading it took over {_LONGEST_S:.0f} s")
        document, characters = document_id(text.text), len(text.text)
        name = entry.name[-_MOST_NAME:]
        await self._documents.add(collection, name, document, characters, cuts)
        return Document(id=document, name=name, characters=characters, passages=len(cuts))

    @activity.defn(name="research.check")
    async def check(self, request: CheckRequest) -> CheckedClaims:
        """Check claims by rules: do their citations stand, and do those bear them out?"""
        ids = {citation.passage for claim in request.claims for citation in claim.citations}
        known = await self._documents.passages(request.collection, sorted(ids))
        passages = {passage.id: passage for passage in known}
        checked = await asyncio.to_thread(
            lambda: tuple(_checked(claim, passages) for claim in request.claims)
        )
        cited = {each.passage for claim in checked for each in claim.standing}
        return CheckedClaims(
            claims=checked, passages=tuple(each for each in known if each.id in cited)
        )

    @activity.defn(name="research.compose")
    async def compose(self, result: ResearchResult) -> Composed:
        """Lay the report out, as Markdown and as a page, and keep both."""
        async with beating():
            text = await asyncio.to_thread(markdown, result)
            page = await asyncio.to_thread(self._page, result)
            return Composed(
                markdown=await self._artifacts.put(text.encode(), "text/markdown; charset=utf-8"),
                html=await self._artifacts.put(page.encode(), "text/html; charset=utf-8"),
            )


def _read(entry: Entry) -> tuple[Text, tuple[Cut, ...]]:
    text = read(entry.path)
    return text, cut(text)


def _nothing(folder: str, unread: Iterable[Unread]) -> Collected:
    named = [f"{each.name}: {each.reason}" for each in unread]
    more = f" (and {len(named) - 3} more)" if len(named) > 3 else ""  # noqa: PLR2004 - enough
    return Collected(
        unread=tuple(unread),
        refusal=f"no document in {folder!r} can be read: {'; '.join(named[:3])}{more}",
    )


def _checked(claim: Claim, passages: dict[str, Passage]) -> CheckedClaim:
    standing: list[Citation] = []
    dropped: list[str] = []
    for citation in claim.citations:
        passage = passages.get(citation.passage)
        problem = support.citation_problem(citation.quote, passage.text if passage else None)
        if problem:
            dropped.append(f"passage {citation.passage[:20]!r}: {problem}")
        else:
            standing.append(citation)
    checked = CheckedClaim(claim=claim, standing=tuple(standing), dropped=tuple(dropped))
    if not standing:
        why = "; ".join(dropped) or "it cites nothing"
        return checked.model_copy(update={"problem": why, "found_by": "citation"})
    problems = support.claim_problems(claim.text, _cited(standing, passages))
    return checked.model_copy(update={"problem": "; ".join(problems), "found_by": "rules"})


def _cited(standing: Sequence[Citation], passages: dict[str, Passage]) -> list[support.Cited]:
    quotes: dict[str, list[str]] = {}
    for citation in standing:
        quotes.setdefault(citation.passage, []).append(citation.quote)
    return [
        support.Cited(
            text=passages[name].text,
            about=f"{passages[name].name} {passages[name].place}",
            quotes=tuple(said),
        )
        for name, said in quotes.items()
    ]
