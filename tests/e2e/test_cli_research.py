"""`research` as people run it: its words, its files, its exit codes."""

from pathlib import Path

import pytest

from tests.e2e.cli import Cli
from tests.workflows import researching

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "research"


@pytest.mark.slow
@pytest.mark.requirement("C4.2:cli")
@pytest.mark.requirement("C4.2:invented")
def test_a_research_of_the_example_from_the_folder_to_the_page(cli: Cli, tmp_path: Path) -> None:
    """Twenty claims are made up by the offline model's writer, and twenty are taken out."""
    out, html = tmp_path / "report.md", tmp_path / "report.html"
    question = "When is a door alarm sent, and how long may a door be open?"
    asked = ("research", question, "--documents", str(EXAMPLE))

    plain = cli(*asked, "--out", str(out), "--html", str(html), "--id", "cli-research")
    true = cli(*asked, "--id", "cli-research", "--json").json
    cli.misbehave("invent_finding,agent=researcher_writer")
    try:
        invented = cli(*asked, "--json").json
    finally:
        cli.misbehave()
    shown = cli("show", "cli-research")
    page = cli("report", "cli-research", "--html", str(tmp_path / "again.html"))

    assert plain.code == 0
    assert "old-notes.txt" in plain.out
    assert true["claims"] >= 3
    assert invented["claims"] == true["claims"]
    assert len(invented["removed"]) == 20
    assert [s["claims"] for s in invented["sections"]] == [s["claims"] for s in true["sections"]]
    assert out.read_text().count("](#quotation-") >= true["claims"]
    assert "<html" in html.read_text()
    assert shown.code == 0
    assert page.code == 0
    assert "Quotations" in (tmp_path / "again.html").read_text()


@pytest.mark.requirement("C4.2:cli")
@pytest.mark.requirement("C4.2:empty-folder")
def test_what_cannot_be_started_is_told_at_once(alone: Cli, tmp_path: Path) -> None:
    """No question, no folder, no document, no place to write: exit code 2 and one line."""
    empty = tmp_path / "empty"
    empty.mkdir()
    documents = researching.folder(tmp_path / "d")

    for arguments, why in (
        (("  ", "--documents", documents), "QUESTION is empty"),
        (("x" * 5_000, "--documents", documents), "5,000 characters"),
        (("why?", "--documents", str(tmp_path / "gone")), "not a folder"),
        (("why?", "--documents", str(empty)), "no document: no files; read are .txt"),
        (("why?", "--documents", documents, "--out", "/no/such/r.md"), "no such folder"),
        (("why?", "--documents", documents, "--html", str(empty)), "is a folder"),
    ):
        ran = alone("research", *arguments)

        assert ran.code == 2
        assert why in ran.line
