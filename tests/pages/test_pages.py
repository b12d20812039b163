"""The pages' HTML: what they say, that they load nothing, that foreign text stays text."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from agents.auditor import wording
from commands.heard import Heard
from commands.pages import audit_page, run_page
from commands.pages.timeline import Budget, Chain, Phase, Took
from domain.auditing import AuditResult
from domain.memory import Recalled
from domain.run import AgentResult, Outcome
from tests.pages.cases import HARM, NOON, audited, foreign, ran
from tests.pages.markup import Parsed

BUDGET = Budget(tokens=20_000_000, cost_usd=Decimal(20))


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    """A real audit of the sample ledger."""
    return audited(tmp_path_factory.mktemp("audit"))


def _whole_audit(result: AuditResult, text: str = "x") -> str:
    return audit_page(
        result,
        budget=BUDGET,
        phases=[Phase(text, NOON, NOON + timedelta(seconds=3), 2, 3, 1), Phase(text, NOON, None)],
        sent=[Heard(NOON, 7, "signal", "approve", text, text, text, text)],
        started_at=NOON,
        closed_at=NOON + timedelta(seconds=9),
    )


def _whole_run(text: str, *, holds: bool = False) -> str:
    result, state = ran(text)
    chain = Chain(holds, 3, () if holds else (text,))
    sent = [Heard(NOON, 7, "signal", "approve", text, text, text, text)]
    return run_page(result, state, chain=chain, took={1: Took(0.5, 2)}, sent=sent, started_at=NOON)


def test_an_audits_page_shows_each_finding_with_its_balance(result: AuditResult) -> None:
    """Every finding is in the table and has a picture with the booking marked and a gap."""
    page = _whole_audit(result)

    assert len(result.findings) == 6
    for number, checked in enumerate(result.findings, 1):
        told = wording.amounts(checked)
        assert told is not None
        card = page.partition(f'<article id="finding-{number}">')[2].partition("</article>")[0]
        assert f"gap {told.difference.lstrip('-')}" in card
        assert card.count('class="faulty"') == 1
        assert card.count('class="ghost"') == 1
        assert "Confirmed:" in card


def test_an_audits_page_keeps_claims_apart_from_findings(result: AuditResult) -> None:
    """What the ledger does not bear out is under its own heading, with the reason, unplotted."""
    before, _, after = _whole_audit(result).partition("<h2>Not confirmed, not reported")

    assert "424242" not in before
    assert "has no transaction &#39;424242&#39;" in after
    assert "<svg" not in after


def test_an_audits_page_shows_spend_steps_and_decisions(result: AuditResult) -> None:
    """Money and tokens against the budget, the phases of the history, who decided what."""
    said = Parsed(_whole_audit(result, "screen")).text

    assert "81,690 of 20,000,000" in said
    assert "$0.0363 of $20.00" in said
    assert "3 attempts" in said
    assert "m.novak checked on paper" in said
    assert "offline stand-in" in said


def test_an_audit_under_way_is_no_report(result: AuditResult) -> None:
    """A page made before the end says where the audit is and that it is not a report."""
    said = Parsed(audit_page(result, state="PENDING_APPROVAL")).text

    assert "under way (PENDING_APPROVAL)" in said
    assert "not a report" in said


def test_an_empty_result_has_a_page() -> None:
    """An audit that was refused at once has a page that says why."""
    page = audit_page(AuditResult(run_id="r", outcome=Outcome.REJECTED, reason="no such file"))

    assert "no such file" in page
    assert "nothing was screened" in page


def test_a_runs_page_shows_its_turns_and_their_cost() -> None:
    """Each turn has its calls and results, its cost, and what was used by then."""
    said = Parsed(_whole_run("fine", holds=True)).text

    assert said.count("1,000 tokens, $0.0100") == 3
    assert "3,000 by then, $0.0300" in said
    assert "2 attempts" in said
    assert "tokens 3%" in said
    assert "chain verified" in said


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        (None, "chain not verified"),
        (Chain(holds=True, model_calls=3), "chain verified"),
        (Chain(holds=False, model_calls=3, breaks=("event 9: changed",)), "event 9: changed"),
    ],
)
def test_a_runs_page_says_whether_its_chain_was_verified(chain: Chain | None, said: str) -> None:
    """A chain that was not recomputed is never shown as one that holds."""
    result, state = ran("fine")

    page = Parsed(run_page(result, state, chain=chain)).text

    assert said in page
    assert ("chain verified" in page) is (chain is not None and chain.holds)


def test_a_run_whose_transcript_is_not_at_hand_has_a_page() -> None:
    """With no worker to ask, the outcome is still told."""
    result = AgentResult(run_id="r", agent="bench", outcome=Outcome.LIMIT, reason="limit reached")

    said = Parsed(run_page(result, None)).text

    assert "limit reached" in said
    assert "No model call was made." in said


@pytest.mark.parametrize(("tokens", "limit"), [(10_000, True), (10_000_000, False)])
def test_a_curve_is_drawn_against_its_limit(tokens: int, limit: bool) -> None:
    """The limit is a line of the picture, or the page says that it is far above it."""
    result, state = ran("fine")

    page = run_page(result, state, budget=Budget(tokens=tokens))

    assert ('<line class="limit"' in page) is limit
    assert ("far above" in page) is not limit
    assert ("tokens 30%" in page) is limit


def test_a_long_transcript_is_cut_to_what_a_browser_opens() -> None:
    """A run of a thousand turns with large results still has a page of some megabytes."""
    result, state = ran("word " * 2_000, turns=1_000)

    page = run_page(result, state)

    assert len(page) < 12_000_000
    assert "more characters" in page


def test_a_turn_that_was_taken_back_is_told() -> None:
    """After a backtrack the page does not show another turn's reply in its place."""
    result, state = ran("fine")
    end = len(state.messages) - 2
    state.messages = state.messages[:end]
    state.turns[-1] = state.turns[-1].model_copy(update={"messages": end})

    assert "Taken back" in run_page(result, state)


@pytest.mark.parametrize("page", ["audit", "run"])
def test_foreign_text_never_becomes_markup(page: str) -> None:
    """A hostile page has exactly the elements and attributes of a harmless one."""
    harmless, hostile = (
        Parsed(_whole_audit(foreign(text), text) if page == "audit" else _whole_run(text))
        for text in ("x", HARM)
    )

    assert hostile.elements == harmless.elements
    assert hostile.addresses == harmless.addresses
    assert not hostile.comments
    assert "script" not in hostile.tags
    assert not {name for _, names in hostile.elements for name in names if name.startswith("on")}
    assert "<script>window.hit=1</script>" in hostile.text


@pytest.mark.parametrize("page", ["audit", "run"])
def test_hidden_characters_are_spelled_out(page: str) -> None:
    """Bidi controls and their like cannot make a page look other than it is."""
    text = _whole_audit(foreign(HARM), HARM) if page == "audit" else _whole_run(HARM)

    assert not set("\u202e\u2066\u200b\x00\x1b") & set(text)
    assert "[U+202E]" in text
    text.encode("utf-8")


def test_a_lone_surrogate_can_be_written() -> None:
    """A character that UTF-8 does not have is named, and does not break the page's file."""
    page = audit_page(foreign("a\ud800b"))

    assert b"a[U+D800]b" in page.encode("utf-8")


@pytest.mark.parametrize("page", ["audit", "run"])
def test_a_page_loads_nothing(page: str, result: AuditResult) -> None:
    """Its addresses lead into itself, and its style names none."""
    text = _whole_audit(result) if page == "audit" else _whole_run("fine", holds=True)

    parsed = Parsed(text)

    assert all(each.startswith("#") or each == "data:," for each in parsed.addresses)
    assert not re.search(r"https?:|url\(|@import|<script|<iframe|<object", text)
    assert "default-src 'none'" in text


def test_equal_results_give_equal_pages(result: AuditResult) -> None:
    """A page is the same byte for byte, also after its result has crossed a history."""
    again = AuditResult.model_validate_json(result.model_dump_json())

    assert _whole_audit(result) == _whole_audit(again)


def test_every_link_leads_somewhere(result: AuditResult) -> None:
    """Each number in the table of findings leads to that finding."""
    page = _whole_audit(result)

    targets = [each[1:] for each in Parsed(page).addresses if each.startswith("#")]

    assert len(targets) == len(result.findings)
    assert all(f'id="{target}"' in page for target in targets)


def test_a_runs_page_shows_what_it_was_told_of_earlier_ones() -> None:
    """Each with its kind and how well it fitted; without any there is no such part."""
    result, state = ran("x")
    recalled = Recalled(id="0f91974e26e5db9df04424e7", kind="episode", relevance=0.5)

    said = Parsed(run_page(result.model_copy(update={"recalled": (recalled,)}), state)).text

    assert "episode 0f91974e26e5db9df04424e7 fits by 0.50" in said
    assert "Recalled of earlier runs" not in Parsed(run_page(result, state)).text
