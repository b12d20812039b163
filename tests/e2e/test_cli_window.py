"""Runs longer than their window, as people run, fork, verify and read them."""

from pathlib import Path

from bench.logbook import made
from tests.e2e.cli import Cli


def test_a_run_is_forked_verified_and_shown_from_a_turn_that_was_folded(
    cli: Cli, tmp_path: Path
) -> None:
    """The fork takes its beginning from the record; the page tells every turn."""
    book, path, page = made(16, 3), tmp_path / "book.txt", tmp_path / "run.html"
    book.write(path)
    ran = cli("run", "logbook", "answer", "--data", f"logbook={path}", "--id", "long", "--json")

    forked = cli("fork", "long", "--step", "2", "--id", "from-two")
    watched = cli("watch", "from-two", "--json")
    cli("report", "long", "--html", str(page))

    assert ran.json["memory"]["folds"] > 0
    assert forked.code == 0, forked.err
    assert watched.json["answer"]["answer"] == ran.json["answer"]["answer"] == book.answer
    assert [cli("verify", name).code for name in ("long", "from-two")] == [0, 0]
    shown = page.read_text()
    assert "What is kept of older turns" in shown
    assert f"Page 1 of {len(book.pages)}" in shown
