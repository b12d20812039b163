"""The page and the Markdown of a research: foreign text stays text, and says where it stands."""

import pytest

from agents.reading.report import markdown
from commands.pages.research import research_page
from domain.research import Citation, SubTask
from domain.researching import (
    Attempt,
    Document,
    Passage,
    Recovered,
    Removed,
    ResearchResult,
    Section,
    Stated,
    Unread,
    Worked,
)
from domain.runs import Outcome
from tests.pages.cases import HARM
from tests.pages.markup import Parsed


def _result(text: str, outcome: Outcome = Outcome.COMPLETED) -> ResearchResult:
    """Return a result with `text` in every place where something foreign can stand."""
    citation = Citation(passage="p1", quote=text)
    source = Passage(id="p1", document="d", name=text, offset=0, place=text, text=f"a {text} b")
    task = SubTask(id="s", specialist="researcher_search", instruction=text)
    attempt = Attempt(specialist="researcher_search", run_id="r/s-1", outcome=outcome, failure=text)
    return ResearchResult(
        run_id="r",
        outcome=outcome,
        question=text,
        title=text,
        sections=(Section(heading=text, claims=(Stated(text=text, citations=(citation,)),)),),
        removed=(Removed(text=text, heading=text, why=text, found_by="rules"),),
        dropped=(text,),
        sources=(source,),
        documents=(Document(id="d", name=text, characters=1, passages=1),),
        unread=(Unread(name=text, reason=text),),
        work=(Worked(task=task, kind="search", attempts=(attempt,)),),
        recoveries=(
            Recovered(task="s", specialist="x", failure=text, by="supervisor", action="retry"),
        ),
        gaps=(text,),
        not_done=(text,),
    )


@pytest.mark.requirement("C4.2:page")
def test_hostile_text_has_a_harmless_pages_elements_and_no_more() -> None:
    """Markup, scripts and hidden characters are shown; the page's own elements stay the same."""
    harmless, hostile = (Parsed(research_page(_result(text))) for text in ("plain", HARM))

    assert hostile.elements == harmless.elements


@pytest.mark.requirement("C4.2:page")
def test_markdown_shows_foreign_text_and_does_not_obey_it() -> None:
    """No link, no heading, no HTML comes out of a document into the report."""
    text = "# x [a](javascript:b) <img src=x onerror=y> *c* `d` snake_case 1. & e"

    lines = markdown(_result(text)).splitlines()

    claim = next(line for line in lines if line.startswith("- "))
    assert claim.startswith(
        r"- \# x \[a\](javascript:b) \<img src=x onerror=y\> \*c\* \`d\` snake_"
    )
    assert sum(line.startswith("# ") for line in lines) == 1


@pytest.mark.requirement("C4.2:page")
def test_a_quotation_is_marked_in_its_passage_and_leads_to_its_claims() -> None:
    """Spaces and case may differ, as in the check."""
    result = _result("plain words")
    folded = Citation(passage="p1", quote="Plain\n WORDS")
    result = result.model_copy(
        update={
            "sections": (Section(heading="h", claims=(Stated(text="c", citations=(folded,)),)),)
        }
    )

    page = research_page(result)

    assert "a <mark>plain words</mark> b" in page
    assert 'href="#claim-1"' in page
    assert "1 file" not in page


@pytest.mark.requirement("C4.2:page")
def test_a_page_of_a_run_under_way_is_no_report() -> None:
    """It says where the run is; one without claims says that there is nothing to report."""
    page = research_page(ResearchResult(question="why?"), state="EXECUTING")

    assert "under way (EXECUTING)" in page
    assert "nothing to report" in page
