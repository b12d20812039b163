"""How a batch's rows and result are printed, and written to files."""

import csv
import json
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from typing import Any, TextIO

from rich.console import RenderableType
from rich.table import Table

from agents.extract import summary as summaries
from agents.extract.form import fields_of
from commands import console, results, views
from commands.console import safe
from commands.errors import Misuse
from domain.batch import BatchRequest, BatchResult, Document, FieldSummary
from runtime.batches import Batches

_PAGE = 500
_MOST_ROWS = 50
_MOST_CELL = 60
_MOST_VALUES = 4
# A spreadsheet would run what begins so.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


# --- the result


def _facts(result: BatchResult) -> dict[str, str]:
    parts = [f"{result.done:,} done", f"{result.failed:,} failed"]
    parts += [f"{result.unsure:,} for a person"] if result.unsure else []
    parts += [f"{result.left:,} not looked at"] if result.left else []
    parts += [f"{result.reused:,} of them from {result.resumes}"] if result.reused else []
    again = result.failed + result.left + result.unsure
    hint = f"python starter.py batch resume {result.run_id}"
    closed = result.closed_at is not None
    return {
        "documents": safe(f"{result.documents:,}: {', '.join(parts)}"),
        "others": f"{result.others:,} files of other kinds were left alone"
        if result.others
        else "",
        "rows": safe(f"python starter.py batch show {result.run_id} --csv"),
        "go on": safe(f"{hint} looks again at what has no row") if again and closed else "",
    }


@results.shows("batch", facts=_facts)
def _parts(result: BatchResult) -> Iterable[RenderableType]:
    summary = result.summary
    if summary is not None and summary.rows:
        yield _fields(summary.fields)
        yield ""
    if result.answer is not None:
        yield safe(json.dumps(result.answer, indent=2, ensure_ascii=False))
        yield ""
    if summary is not None and summary.failures:
        named = console.table("document", "why nothing came of it", title="failed")
        for failure in summary.failures[:_MOST_ROWS]:
            named.add_row(safe(failure.document), safe(failure.reason))
        if result.failed > _MOST_ROWS:
            named.add_row("…", f"{result.failed - _MOST_ROWS:,} more: batch show --failed")
        yield named
        yield ""


def _fields(fields: Iterable[FieldSummary]) -> Table:
    made = console.table(
        "field", "filled", "empty", "sum", "range", "values", right=("filled", "empty", "sum")
    )
    for field in fields:
        reach = "" if field.least is None else f"{field.least} to {field.most}"
        values = [f"{name[:_MOST_CELL]} ({times})" for name, times in field.values.items()]
        more = f", … {field.distinct} in all" if field.distinct > _MOST_VALUES else ""
        made.add_row(
            safe(field.name),
            f"{field.filled:,}",
            f"{field.empty:,}",
            "" if field.total is None else f"{field.total:,f}",
            safe(reach),
            safe(", ".join(values[:_MOST_VALUES]) + more),
        )
    return made


# --- the rows


async def documents(batches: Batches, run_id: str) -> AsyncGenerator[Document]:
    """Yield the documents of a batch in order, however many there are."""
    after = 0
    while page := await batches.page(run_id, after, _PAGE):
        for document in page:
            yield document
        after = page[-1].position


async def merged(batches: Batches, run_id: str, request: BatchRequest) -> dict[str, Any]:
    """Return the merged result: rows, summary and failures, in the form of its schema."""
    summing = summaries.Summing(request.form)
    rows: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    async for document in documents(batches, run_id):
        if document.state == "done":
            summing.add(document)
            rows.append(summaries.row(document))
        elif document.state == "failed":
            failed.append({"document": document.name, "reason": document.reason})
    summary = summing.summary().model_dump(mode="json", exclude={"failures"})
    return {"rows": rows, "summary": summary, "failed": failed}


async def evidence(batches: Batches, run_id: str) -> list[dict[str, Any]]:
    """Return every document with its fields, each with its confidence and its quote."""
    return [document.model_dump(mode="json") async for document in documents(batches, run_id)]


async def write_csv(batches: Batches, run_id: str, request: BatchRequest, to: TextIO) -> int:
    """Write a row a document, and return how many."""
    fields = list(fields_of(request.form))
    writer = csv.writer(to)
    writer.writerow(["document", "state", *fields, "reason"])
    count = 0
    async for document in documents(batches, run_id):
        values = summaries.row(document)["values"]
        cells = [_cell(values.get(name)) for name in fields]
        writer.writerow([_cell(document.name), document.state, *cells, _cell(document.reason)])
        count += 1
    return count


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def checked_out(out: str) -> str:
    """Return the name of a file to write, if it is of a kind that can be written.

    Raises:
        Misuse: It ends otherwise, or there is no such folder.
    """
    if out and Path(out).suffix.lower() not in {".csv", ".json"}:
        raise Misuse(f"--out {out!r}: expected a file that ends in .csv or .json")
    if out and not Path(out).absolute().parent.is_dir():
        raise Misuse(f"--out {out!r}: there is no such folder")
    return out


async def write(batches: Batches, run_id: str, request: BatchRequest, out: str) -> None:
    """Write what a batch has come to, to a file."""
    path = Path(out)
    # Nothing else runs on this loop meanwhile.
    with path.open("w", encoding="utf-8", newline="") as to:  # noqa: ASYNC230
        if path.suffix.lower() == ".csv":
            await write_csv(batches, run_id, request, to)
        else:
            json.dump(await merged(batches, run_id, request), to, ensure_ascii=False, indent=2)
            to.write("\n")
    console.note(f"written: {out}")


async def rows_table(batches: Batches, run_id: str, request: BatchRequest) -> Table:
    """Return the first rows as a table; a value that a person has to look at is marked."""
    fields = list(fields_of(request.form))
    made = console.table("document", "state", *map(safe, fields))
    shown = await batches.page(run_id, most=_MOST_ROWS)
    for document in shown:
        cells = [_shown(document, name) for name in fields]
        if document.state == "failed" and cells:
            cells[0] = f"[red]{safe(document.reason[: _MOST_CELL * 2])}[/]"
        made.add_row(safe(document.name), views.state(_WORDS[document.state]), *cells)
    return made


_WORDS = {"listed": "listed", "done": "done", "unsure": "for a person", "failed": "failed"}


def _shown(document: Document, name: str) -> str:
    found = document.fields.get(name)
    if found is None:
        return ""
    text = _cell(found.value)
    text = text if len(text) <= _MOST_CELL else f"{text[:_MOST_CELL]}…"
    return (
        f"[yellow]{safe(text)} ({found.confidence:g})?[/]"
        if found.standing == "unsure"
        else (safe(text))
    )
