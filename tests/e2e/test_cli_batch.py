"""`batch` as people run it: its words, its files, its exit codes."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest

from runtime.settings import PROJECT
from tests.e2e.cli import Cli
from tests.workflows.batching import FORM, fits, folder, invoice


@pytest.fixture
def form(tmp_path: Path) -> str:
    """The path of a schema."""
    path = tmp_path / "form.json"
    path.write_text(json.dumps(FORM))
    return str(path)


@pytest.mark.slow
def test_a_batch_from_the_folder_to_the_rows(cli: Cli, tmp_path: Path, form: str) -> None:
    """One unsure, one unreadable: asked about, answered, written; gone on with once mended."""
    documents = folder(
        tmp_path / "docs",
        {"a.txt": invoice("=1+1"), "b/a.txt": invoice("Bolt", "about 2"), "c.txt": b"\xff"},
    )
    out = tmp_path / "rows.json"

    asked = cli("batch", str(documents), "--schema", form, "--id", "cli-batch", "--out", str(out))
    answered = cli("modify", "cli-batch", "--arguments", '{"b/a.txt": {"total": 2.5}}')
    ended = cli("batch", str(documents), "--schema", form, "--id", "cli-batch", "--out", str(out))
    table = cli("batch", "show", "cli-batch", "--csv")
    merged = cli("batch", "show", "cli-batch", "--json")
    schema = cli("batch", "show", "cli-batch", "--schema")
    failed = cli("batch", "show", "cli-batch", "--failed")
    folder(documents, {"c.txt": invoice("Cog", "3")})
    again = cli("batch", "resume", "cli-batch", "--json")

    assert asked.code == 3
    assert "accept 1 unsure field of b/a.txt" in asked.err
    assert " of 3 documents: " in asked.err
    assert answered.code == 0
    assert ended.code == 1
    assert "c.txt" in ended.out
    assert "batch resume cli-batch" in ended.out
    assert list(csv.reader(StringIO(table.out)))[1:] == [
        ["a.txt", "done", "'=1+1", "10.5", "2026-03-01", ""],
        ["b/a.txt", "done", "Bolt", "2.5", "2026-03-01", ""],
        ["c.txt", "failed", "", "", "", failed.out.partition(": ")[2].strip()],
    ]
    assert "not UTF-8" in failed.out
    assert json.loads(out.read_text()) == merged.json
    assert fits(schema.json, merged.json) == []
    assert again.code == 0
    assert (again.json["run_id"], again.json["done"], again.json["reused"]) == (
        "cli-batch.2",
        3,
        2,
    )
    assert again.json["spend"]["steps"] == 1
    assert "nothing is to be done" in cli("batch", "resume", "cli-batch.2").err


@pytest.mark.slow
def test_the_example_of_the_page_runs(cli: Cli) -> None:
    """`docs/examples/batch`: text, Markdown, HTML and PDF, one vague, one in another encoding."""
    example = PROJECT / "docs" / "examples" / "batch"
    schema = str(example / "invoice.yaml")

    ran = cli("batch", str(example / "invoices"), "--schema", schema, "--dry-run", "--json")

    figures = ran.json
    assert [figures[name] for name in ("documents", "done", "unsure", "failed")] == [6, 4, 1, 1]
    total = next(field for field in figures["summary"]["fields"] if field["name"] == "total")
    assert total["total"] == "8493.75"


def test_what_cannot_be_started_is_told_at_once(alone: Cli, tmp_path: Path, form: str) -> None:
    """An empty folder, no schema, a file that cannot be written: exit code 2 and one line."""
    empty = tmp_path / "empty"
    empty.mkdir()
    documents = str(folder(tmp_path / "docs", {"a.txt": invoice("Acme")}))
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("type: object\nproperties:\n  total: {type: decimal}\n")

    for arguments, why in (
        ((str(empty), "--schema", form), "holds no document"),
        ((str(tmp_path / "gone"), "--schema", form), "is not a folder"),
        ((documents, "--schema", str(wrong)), "properties/total/type"),
        ((documents, "--schema", "gone.json"), "cannot be opened"),
        ((documents, "--schema", form, "--into", form), "--merge synthesise"),
        ((documents, "--schema", form, "--out", "rows.xlsx"), ".csv or .json"),
    ):
        ran = alone("batch", *arguments)

        assert ran.code == 2
        assert why in ran.line


def test_a_batch_that_is_not_there_is_told_so(alone: Cli) -> None:
    """Showing and going on with a batch that nobody started."""
    for command in ("show", "resume"):
        ran = alone("batch", command, "never-was")

        assert ran.code == 1
        assert ran.line
