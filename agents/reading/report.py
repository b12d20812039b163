"""A research's report as Markdown: every claim with its notes, every note with its passage.

What others wrote is escaped, so that it is shown and not obeyed by whatever renders it.
"""

import re
from collections.abc import Iterator
from typing import Final

from agents.auditor.wording import visible
from domain.research import Citation
from domain.researching import Passage, ResearchResult

_STAND_IN: Final = "offline stand-in"
_MOST: Final = 4_000
# What Markdown obeys wherever it stands; an underscore within a word is only an underscore.
_SPECIAL: Final = re.compile(r"([\\`*\[\]<>|~]|(?<!\w)_|_(?!\w)|^(?:[-+#=]|\d+(?=[.)])))")


def notes(result: ResearchResult) -> dict[tuple[str, str], int]:
    """Return the number of each quotation of the report, in the order in which they are cited."""
    cited = (each for claim in result.claims for each in claim.citations)
    once = dict.fromkeys((each.passage, each.quote) for each in cited)
    return {quotation: number for number, quotation in enumerate(once, 1)}


def markdown(result: ResearchResult) -> str:
    """Return the report."""
    return "\n\n".join(part for part in _parts(result) if part) + "\n"


def _parts(result: ResearchResult) -> Iterator[str]:
    numbered = notes(result)
    yield f"# {escape(result.title or result.question)}"
    if result.title != result.question:
        yield f"**Question:** {escape(result.question)}"
    yield _summary(result)
    if result.model.startswith(_STAND_IN):
        yield (
            "The model was the **offline stand-in**, a program that picks sentences by rules. "
            "It is not a language model. The checks are the same for any model."
        )
    if not result.claims:
        yield "**No claim stood the checks, so there is nothing to report.**"
    for section in result.sections:
        yield f"## {escape(section.heading)}"
        yield "\n".join(
            f"- {escape(claim.text)} {''.join(_mark(each, numbered) for each in claim.citations)}"
            for claim in section.claims
        )
    yield from _rest(result)
    yield from _quoted(result, numbered)


def _summary(result: ResearchResult) -> str:
    return (
        f"{len(result.claims)} claims, {len(notes(result))} quotations from "
        f"{len({source.document for source in result.sources})} of {len(result.documents)} "
        f"documents; {len(result.removed)} claims were taken out, see below."
    )


def _mark(citation: Citation, numbered: dict[tuple[str, str], int]) -> str:
    number = numbered[citation.passage, citation.quote]
    return f"[[{number}]](#quotation-{number})"


def _rest(result: ResearchResult) -> Iterator[str]:
    if result.gaps:
        yield "## Not answered"
        yield "\n".join(f"- {escape(gap)}" for gap in result.gaps)
    if result.removed:
        yield "## Taken out"
        yield "These claims were in the draft and are **not** part of the report."
        yield "\n".join(f"- {escape(each.text)}\n  ({escape(each.why)})" for each in result.removed)
    if result.dropped:
        yield "## Citations that fell"
        yield "\n".join(f"- {escape(each)}" for each in result.dropped)
    if result.unread:
        yield "## Files that could not be read"
        yield "\n".join(f"- {escape(each.name)}: {escape(each.reason)}" for each in result.unread)


def _quoted(result: ResearchResult, numbered: dict[tuple[str, str], int]) -> Iterator[str]:
    sources = {source.id: source for source in result.sources}
    if numbered:
        yield "## Quotations"
    for (passage, quote), number in numbered.items():
        source = sources[passage]
        yield f'<a id="quotation-{number}"></a>**{number}.** {where(source)}'
        yield "\n".join(f"> {escape(line)}" for line in quote.splitlines() if line.strip())


def where(source: Passage) -> str:
    """Return where a passage stands, as Markdown."""
    place = f", {escape(source.place)}" if source.place else ""
    return f"{escape(source.name)}{place} (passage `{source.id}`)"


def escape(text: str) -> str:
    """Return `text` on one line, shown as it is by whatever renders Markdown."""
    flat = visible(" ".join(text.split()))
    cut = flat if len(flat) <= _MOST else f"{flat[:_MOST]} […{len(flat) - _MOST} more]"
    return _SPECIAL.sub(_escaped, cut).replace("&", "&amp;")


def _escaped(found: re.Match[str]) -> str:
    return f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}"
