"""Researches of a small folder: what is reported is borne out, and what is not is taken out."""

import json
import random
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from agents.offline import Conversation, Reply
from agents.reading.words import flat
from agents.researcher_writer.inventing import MADE_UP
from domain.research import VERIFIER
from domain.researching import ResearchResult
from domain.runs import Outcome
from runtime.artifacts import Artifacts
from runtime.dead_letters import DeadLetters
from runtime.documents import Documents
from tests.fakes import Asked, Say, Step
from tests.reading.pdf import pdf
from tests.workflows import researching
from tests.workflows.stage import Stage


def invent(asked: Asked, usual: Say) -> Step | None:
    """Make the writer invent as the offline model does."""
    if asked.agent != "researcher_writer":
        return None
    invent = import_module("agents.researcher_writer.offline").invent
    said: Reply = invent(Conversation(), Reply(usual.text), random.Random(7))
    return Say(said.text)


@pytest.mark.requirement("C4.2:plan")
@pytest.mark.requirement("C4.2:report")
@pytest.mark.requirement("C4.2:page")
@pytest.mark.requirement("C4.2:verifier")
async def test_every_claim_is_cited_verified_by_itself_and_laid_out(
    stage: Stage, tmp_path: Path
) -> None:
    """Search, synthesis, writing, a verifier for each claim, Markdown and a page."""
    result = await researching.researched(stage, researching.folder(tmp_path / "d"))

    assert result.outcome is Outcome.COMPLETED
    assert [worked.kind for worked in result.work] == ["search", "synthesise", "write"]
    assert len(result.claims) >= 3
    _resolves(result)
    _is_verified_apart(result, stage)
    await _is_laid_out(result, Artifacts(stage.database))


def _resolves(result: ResearchResult) -> None:
    """What is quoted stands in a passage of a document of the run."""
    sources = {source.id: source for source in result.sources}
    for claim in result.claims:
        assert claim.citations
        for citation in claim.citations:
            assert flat(citation.quote) in flat(sources[citation.passage].text)
    known = {document.id for document in result.documents}
    assert {source.document for source in result.sources} <= known


def _is_verified_apart(result: ResearchResult, stage: Stage) -> None:
    """The verifier is told one claim and its passages: no question, no other claim."""
    made = [each for each in stage.provider.asked if each.agent == VERIFIER]
    asked = [json.loads(each.messages[0].text) for each in made]
    assert len(asked) == len(result.claims)
    assert {task["claim"] for task in asked} == {claim.text for claim in result.claims}
    for task in asked:
        assert task.keys() == {"claim", "passages"}
        (claim,) = [each for each in result.claims if each.text == task["claim"]]
        assert len(task["passages"]) == len({each.passage for each in claim.citations})


async def _is_laid_out(result: ResearchResult, kept: Artifacts) -> None:
    """The page's notes lead to quotations that are there, and it loads nothing."""
    text = (await kept.get(result.markdown) or b"").decode()
    page = (await kept.get(result.html) or b"").decode()
    assert text.count("](#quotation-") == sum(len(claim.citations) for claim in result.claims)
    for number in range(1, text.count('<a id="quotation-') + 1):
        assert f'href="#quotation-{number}"' in page
        assert f'id="quotation-{number}"' in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


@pytest.mark.requirement("C4.2:invented")
async def test_of_twenty_invented_claims_twenty_are_removed_and_the_true_ones_stay(
    stage: Stage, tmp_path: Path
) -> None:
    """The same question with and without invention comes to the same claims."""
    documents = researching.folder(tmp_path / "d")
    true = await researching.researched(stage, documents)
    await stage.stop()
    stage.queue += "-2"

    result = await researching.researched(stage, documents, invent)

    assert MADE_UP == 20
    assert len(result.removed) == MADE_UP
    assert {claim.text for claim in result.claims} == {claim.text for claim in true.claims}
    assert {each.found_by for each in result.removed} == {"citation", "rules", "verifier"}
    assert all(each.why for each in result.removed)


@pytest.mark.requirement("C4.2:rules")
async def test_a_verifier_that_agrees_to_everything_lets_no_such_claim_through(
    stage: Stage, tmp_path: Path
) -> None:
    """What the rules find they find alone: another number, no citation, no such passage."""

    def change(asked: Asked, usual: Say) -> Step | None:
        if asked.agent == VERIFIER:
            return Say('{"supported": true, "reason": "yes"}')
        return invent(asked, usual)

    result = await researching.researched(stage, researching.folder(tmp_path / "d"), change)

    assert {each.found_by for each in result.removed} == {"citation", "rules"}
    # One kind of six exchanges a single word: that alone needs a verifier who looks.
    assert len(result.removed) >= MADE_UP - MADE_UP // 6
    assert not [claim.text for claim in result.claims if "(" in claim.text]


@pytest.mark.requirement("C4.2:unjudged")
async def test_a_claim_that_nobody_could_verify_is_not_released(
    stage: Stage, tmp_path: Path
) -> None:
    """A verifier that answers nonsense takes its claim out of the report."""
    path = tmp_path / "one"
    path.mkdir()
    (path / "a.md").write_text("Every write call carries an idempotency key.")

    def change(asked: Asked, usual: Say) -> Step | None:
        return Say("yes, sure") if asked.agent == VERIFIER else None

    result = await researching.researched(stage, str(path), change)

    assert result.claims == ()
    (removed,) = result.removed
    assert "could not judge" in removed.why


@pytest.mark.requirement("C4.2:nothing-found")
async def test_documents_that_say_nothing_give_a_report_that_says_so(
    stage: Stage, tmp_path: Path
) -> None:
    """All who can search have looked; nobody writes, nobody is asked, the gap is named."""
    documents = researching.folder(tmp_path / "d")

    result = await researching.researched(stage, documents, question="Where do zebras graze?")

    assert result.outcome is Outcome.COMPLETED
    assert result.claims == ()
    assert result.gaps
    agents = [each.agent for each in stage.provider.asked]
    assert "researcher_reader" in agents
    assert "researcher_writer" not in agents
    assert [(each.by, each.action, each.to) for each in result.recoveries] == [
        ("supervisor", "reassign", "researcher_reader")
    ]


@pytest.mark.requirement("C4.2:unread")
async def test_files_that_cannot_be_read_are_named_and_the_rest_is_worked_on(
    stage: Stage, tmp_path: Path
) -> None:
    """A broken PDF and a file in Latin-1 beside Markdown and a PDF that is one."""
    documents = researching.folder(tmp_path / "d")
    (tmp_path / "d" / "broken.pdf").write_bytes(pdf("x")[:90])
    (tmp_path / "d" / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "d" / "more.pdf").write_bytes(pdf("An idempotency key of a write is never reused."))
    (tmp_path / "d" / "picture.png").write_bytes(b"\x89PNG")

    result = await researching.researched(stage, documents)

    assert {each.name for each in result.unread} == {"broken.pdf", "latin.txt"}
    assert result.others == 1
    assert len(result.documents) == 3
    assert "more.pdf" in {source.name for source in result.sources}


@pytest.mark.requirement("C4.2:empty-folder")
@pytest.mark.requirement("C4.2:bad-question")
@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({}, "holds no document"),
        ({"documents": "nowhere"}, "not a folder"),
        ({"documents": ""}, "not a folder"),
        ({"question": "  "}, "the question is empty"),
        ({"question": "x" * 5_000}, "5,000 characters"),
    ],
)
async def test_an_input_that_cannot_be_worked_on_is_refused_and_kept(
    stage: Stage, tmp_path: Path, request_: dict[str, Any], reason: str
) -> None:
    """REJECTED with the reason, a dead letter, and no model call."""
    path = tmp_path / "empty"
    path.mkdir()

    given: dict[str, Any] = {"documents": str(path), **request_}
    documents: str = given.pop("documents")
    result = await researching.researched(stage, documents, **given)

    assert result.outcome is Outcome.REJECTED
    assert reason in result.reason
    letters = await DeadLetters(stage.database).list()
    assert [each.reason for each in letters if each.run_id == result.run_id] == [result.reason]
    assert stage.provider.asked == []


@pytest.mark.requirement("C4.2:budget")
async def test_a_research_without_room_for_a_specialist_ends_on_its_limit(
    stage: Stage, tmp_path: Path
) -> None:
    """The budget is reserved, not observed: the share does not fit, so nothing is started."""
    result = await researching.researched(stage, researching.folder(tmp_path / "d"), tokens=130_000)

    assert result.outcome is Outcome.LIMIT
    assert "budget" in result.reason
    assert {each.agent for each in stage.provider.asked} == {"researcher_supervisor"}
    assert result.spend.tokens <= 130_000


@pytest.mark.requirement("C4.2:web")
async def test_what_a_lent_tool_returns_can_be_cited(stage: Stage, tmp_path: Path) -> None:
    """A page that a tool of another server returned is kept as a document of the run."""
    team = researching.lending("The write key of the moon is idempotent.")
    researching.equip(stage)

    def change(asked: Asked, usual: Say) -> Step | None:
        return researching.search_the_web(asked) if asked.agent == "researcher_search" else None

    await stage.play(team, researching.script(change))
    handle = await researching.start(stage, researching.folder(tmp_path / "d"))
    result = await researching.finished(stage, handle)

    assert [claim.text for claim in result.claims] == ["The write key of the moon is idempotent."]
    (source,) = result.sources
    assert source.name.startswith("web_search")
    found = await Documents(stage.database).passages("another run", [source.id])
    assert found == ()
