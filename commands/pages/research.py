"""The page of a research: the report, each claim with its quotations, each in its place."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from agents.reading.report import notes
from commands.heard import Heard
from commands.pages import sheet
from commands.pages.around import ALONE, Around
from domain.research import Citation
from domain.researching import Passage, ResearchResult, Stated, Worked

_CONTEXT: Final = 700
"""Characters of a passage shown on each side of a quotation."""


class Said(NamedTuple):
    """A claim with the numbers of its quotations."""

    claim: Stated
    numbers: tuple[int, ...]


class Part(NamedTuple):
    """A section of the report."""

    heading: str
    claims: tuple[Said, ...]


class Quotation(NamedTuple):
    """A quotation in its passage, and the claims that it bears out."""

    number: int
    source: Passage
    before: str
    quote: str
    after: str
    claims: tuple[int, ...]


class Task(NamedTuple):
    """A sub-task and what it came to, in words."""

    worked: Worked
    came_to: str


def research_page(
    result: ResearchResult,
    *,
    state: str = "",
    sent: Sequence[Heard] = (),
    around: Around = ALONE,
    started_at: datetime | None = None,
) -> str:
    """Return one self-contained HTML page.

    Args:
        result: What the research came to, or has come to so far.
        state: Of a run under way; empty for one whose report is laid out.
        sent: Who sent which answer, as the server recorded it.
        around: What all pages have.
        started_at: When the run began.
    """
    numbered = notes(result)
    parts, claims = _parts(result, numbered)
    return sheet.render(
        "research.html.jinja",
        result=result,
        state=state,
        parts_of_report=parts,
        quotations=_quotations(result, numbered, claims),
        cited_documents=len({source.document for source in result.sources}),
        tasks=[Task(worked, _came_to(worked)) for worked in result.work],
        sent=sent,
        around=around,
        started_at=started_at,
        closed_at=result.closed_at,
    )


def _parts(
    result: ResearchResult, numbered: dict[tuple[str, str], int]
) -> tuple[list[Part], list[Said]]:
    """Return the sections, and all claims in their order."""
    parts: list[Part] = []
    for section in result.sections:
        said = tuple(
            Said(claim, tuple(dict.fromkeys(numbered[_key(each)] for each in claim.citations)))
            for claim in section.claims
        )
        parts.append(Part(section.heading, said))
    return parts, [said for part in parts for said in part.claims]


def _key(citation: Citation) -> tuple[str, str]:
    return citation.passage, citation.quote


def _quotations(
    result: ResearchResult, numbered: dict[tuple[str, str], int], claims: Sequence[Said]
) -> list[Quotation]:
    sources = {source.id: source for source in result.sources}
    found: list[Quotation] = []
    for (passage, quote), number in numbered.items():
        before, shown, after = _in_place(sources[passage].text, quote)
        by = tuple(at for at, said in enumerate(claims, 1) if number in said.numbers)
        found.append(Quotation(number, sources[passage], before, shown, after, by))
    return found


def _in_place(text: str, quote: str) -> tuple[str, str, str]:
    """Return the passage around a quotation; spaces and case may differ, as in the check."""
    words = r"\s+".join(re.escape(word) for word in quote.split())
    found = re.search(words, text, re.IGNORECASE)
    if found is None:
        return "", quote, ""
    before, after = text[: found.start()], text[found.end() :]
    cut_before = f"… {before[-_CONTEXT:]}" if len(before) > _CONTEXT else before
    cut_after = f"{after[:_CONTEXT]} …" if len(after) > _CONTEXT else after
    return cut_before, found[0], cut_after


def _came_to(worked: Worked) -> str:
    if worked.evidence is not None:
        return f"{len(worked.evidence.found)} quotations"
    if worked.synthesis is not None:
        return f"{len(worked.synthesis.claims)} claims"
    if worked.draft is not None:
        return f"a draft of {len(worked.draft.claims)} claims"
    return "nothing; it was left out"
