"""The report's Markdown: what it says, and that foreign text stays text."""

from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from agents.auditor import wording
from agents.auditor.report import block, escape, markdown
from domain.auditing import AuditResult
from domain.run import Outcome
from tests.pages.cases import HARM, audited, foreign


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    """A real audit of the sample ledger."""
    return audited(tmp_path_factory.mktemp("audit"))


def _tokens(text: str) -> list[Token]:
    """Parse as the most permissive renderer would: with tables and raw HTML."""
    top = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    return [token for each in top for token in (each, *(each.children or ()))]


def _said(text: str) -> str:
    return "\n".join(token.content for token in _tokens(text) if token.type in {"text", "fence"})


def test_a_report_names_what_was_audited_and_found_normal(result: AuditResult) -> None:
    """A reader can tell which ledger it was, that all of it was screened, and by which norm."""
    said = _said(markdown("A title", result))

    assert result.ledger is not None
    assert result.profile is not None
    assert {"A title", result.ledger.name, result.ledger.fingerprint} <= set(said.splitlines())
    assert "all accounts" in said
    for note in result.profile.notes:
        assert note in said


def test_a_report_gives_the_ledgers_figures_of_each_finding(result: AuditResult) -> None:
    """Account, day, transaction and both figures stand in a row, to the cent, with the queries."""
    text = markdown("A title", result)

    assert len(result.findings) == 6
    for checked in result.findings:
        told = wording.amounts(checked)
        assert checked.answer is not None
        assert checked.answer.finding is not None
        assert checked.confirmation is not None
        assert told is not None
        finding = checked.answer.finding
        row = f"| {finding.account_id} | {finding.date} | {finding.trans_id} | "
        assert row in text
        assert f"| {told.recorded} | {told.expected} | {told.difference} | 95% |" in text
        assert all(evidence.sql in text for evidence in checked.confirmation.evidence)


def test_what_is_not_confirmed_is_no_finding(result: AuditResult) -> None:
    """An invented claim stands under its own heading with the reason, and nowhere before it."""
    findings, _, after = markdown("A title", result).partition("## Not confirmed, not reported")

    assert "424242" not in findings
    assert "They are not findings" in after
    assert "has no transaction '424242'" in after


def test_a_report_says_that_the_offline_model_is_a_stand_in(result: AuditResult) -> None:
    """Nobody can take the stand-in for a language model, or its prices for money spent."""
    stand_in = markdown("A title", result)
    real = markdown("A title", result.model_copy(update={"model": "gpt-5-mini"}))

    assert "It is not a language model" in stand_in
    assert "notional" in stand_in
    assert "stand-in" not in real


def test_a_report_says_who_decided_when_and_why(result: AuditResult) -> None:
    """A decision keeps its time, its verdict, its sender and the reason."""
    said = _said(markdown("A title", result))

    assert "2026-03-01 12:00:00 UTC" in said
    assert "approve" in said
    assert "m.novak checked on paper" in said


def test_a_result_without_anything_is_still_a_report() -> None:
    """An audit that was refused at once gives a report that says so."""
    text = markdown("A title", AuditResult(run_id="r", outcome=Outcome.REJECTED, reason="no file"))

    assert "Outcome: **rejected**, no file." in text
    assert "none was read" in text


def test_foreign_text_is_shown_and_not_obeyed() -> None:
    """Neither HTML nor links, images, headings or rows come out of a ledger or a model."""
    harmless = _tokens(markdown("title", foreign("x")))
    hostile = _tokens(markdown(HARM, foreign(HARM)))

    kinds = [token.type for token in hostile if token.type not in {"text", "text_special"}]
    assert not {"html_block", "html_inline", "link_open", "image"} & set(kinds)
    blocks = [token.type for token in hostile if token.block]
    assert blocks == [token.type for token in harmless if token.block]


def test_hidden_characters_are_spelled_out() -> None:
    """What turns text around, hides in it or steers a terminal is named instead of used."""
    text = markdown(HARM, foreign(HARM))

    assert not set("\u202e\u2066\u200b\x00\x1b") & set(text)
    assert "\\[U+202E\\]" in text


@pytest.mark.parametrize(
    "text", ["- a", "+ a", "= a", "1. a", "1) a", "# a", "> a", "---", "| a |", "~~~", "```"]
)
def test_a_line_cannot_begin_a_block(text: str) -> None:
    """Whatever begins a list, a heading, a quote or a rule is a paragraph once escaped."""
    tokens = MarkdownIt("commonmark").enable("table").parse(escape(text))

    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert "".join(child.content for child in tokens[1].children or ()) == text


@pytest.mark.parametrize("text", ["``````", "a\n```\nb", "~~~\n````"])
def test_a_block_is_not_closed_by_its_content(text: str) -> None:
    """A fence is longer than any in what it holds."""
    tokens = MarkdownIt("commonmark").parse(block(text))

    assert [(token.type, token.content) for token in tokens] == [("fence", f"{text}\n")]


@pytest.mark.parametrize(
    ("cents", "text"),
    [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (-123_456_789, "-1,234,567.89"), (100, "1.00")],
)
def test_money_is_exact(cents: int, text: str) -> None:
    """Cents become an amount without passing a float."""
    assert wording.money(cents) == text


def test_equal_results_give_equal_reports(result: AuditResult) -> None:
    """A report is the same byte for byte, also after its result has crossed a history."""
    again = AuditResult.model_validate_json(result.model_dump_json())

    assert markdown("A title", result) == markdown("A title", again)


def test_a_reports_templates_are_read_from_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The report does not depend on the folder that the worker was started in."""
    monkeypatch.chdir(tmp_path)

    assert markdown("A title", foreign("x")).startswith("# A title\n")
