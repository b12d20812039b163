"""`python -m bench.batch`: a batch's window, its size, and two kills in the middle of one."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.batch_looks import Peak, bought_again, histories
from bench.drill.rig import Rig, rig
from domain.batch import BatchRequest, BatchResult, Document
from runtime.batches import Batches
from runtime.settings import variable_of

_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["supplier", "total"],
    "properties": {
        "supplier": {"type": "string"},
        "invoice_number": {"type": "string"},
        "total": {"type": "number"},
        "issued": {"type": "string", "format": "date"},
    },
}
_FILLER: Final = "The goods were delivered as agreed and are to be paid within thirty days. "
_DOCUMENT_BYTES: Final = 2_000
_WINDOW: Final = 50
_MODEL_MS: Final = 3_000
_SHARE: Final = 1.5  # of one document's time that a window of documents may take
_EXTRA_S: Final = 3.0
_MOST_RSS: Final = 500 << 20
_MOST_HISTORY: Final = 10_000_000
_FAILING: Final = 10  # each so-many-th document fails for good
_LOOK_S: Final = 0.2
_PATIENCE_S: Final = 1_800.0


@dataclass(frozen=True)
class Row:
    """A line of the table: what was asked for, and what was seen."""

    name: str
    seen: str
    wanted: str
    good: bool


def write(folder: Path, count: int, failing: int = 0) -> None:
    """Write invoices; with `failing`, each so-many-th tells the stand-in to give no answer."""
    for number in range(1, count + 1):
        path = folder / f"{number % 10}" / f"invoice-{number:05d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (
            f"Supplier: Supplier {number % 17}\nInvoice number: 2026-{number}\n"
            f"Total: {number}.25\nIssued: 2026-03-{number % 28 + 1:02d}\n"
        )
        text += _FILLER * ((_DOCUMENT_BYTES - len(text)) // len(_FILLER))
        if failing and number % failing == 0:
            text += "\noffline-model: no answer\n"
        path.write_text(text, encoding="utf-8")


# --- the rows


async def window(rig: Rig) -> list[Row]:
    """Fifty documents at three seconds of model latency each, against one of them."""
    await _latency(rig, _MODEL_MS)
    alone = await _batch(rig, "window-one", 1)
    together = await _batch(rig, "window-all", _WINDOW)
    most = _SHARE * alone.seconds + _EXTRA_S
    row = Row(
        f"{_WINDOW} documents at {_MODEL_MS / 1000:g} s of model latency",
        f"{together.seconds:.1f} s, one document {alone.seconds:.1f} s, {together.done} done",
        f"at most {most:.1f} s",
        together.seconds <= most and together.done == _WINDOW,
    )
    return [row]


async def scale(rig: Rig, count: int) -> list[Row]:
    """Many documents without latency: all accounted for, in bounded memory and histories."""
    await _latency(rig, 0)
    rss = Peak(rig)
    watching = asyncio.create_task(rss.watch())
    result = await _batch(rig, "scale", count)
    watching.cancel()
    largest, runs = await histories(rig, "scale")
    name = f"{count:,} documents"
    return [
        Row(
            f"{name}, accounted for",
            f"{result.done} done, {result.failed} failed in {result.seconds:.0f} s "
            f"({count / result.seconds:.1f} a second), continued {result.continued} times",
            f"{count:,}",
            result.done + result.failed == count and not result.left,
        ),
        Row(
            f"{name}, worker's memory at most",
            f"{rss.most / (1 << 20):.0f} MB (before {rss.first / (1 << 20):.0f} MB)",
            f"under {_MOST_RSS >> 20} MB",
            rss.most < _MOST_RSS,
        ),
        Row(
            f"{name}, largest of {runs:,} histories",
            f"{largest / 1e6:.2f} MB",
            f"at most {_MOST_HISTORY / 1e6:.0f} MB",
            0 < largest <= _MOST_HISTORY,
        ),
    ]


async def faults(rig: Rig, count: int) -> list[Row]:
    """Some documents fail for good, and the worker is killed twice."""
    await _latency(rig, 300)
    folder = _folder(rig, "faults")
    write(folder, count, failing=_FAILING)
    running = asyncio.create_task(_run(rig, "faults", folder))
    for share in (0.25, 0.6):
        await _until(rig, "faults", int(count * share))
        await rig.kill_worker()
    result = await running
    documents = await _documents(rig, "faults")
    failed = {each.name for each in documents if each.state == "failed"}
    wanted = {
        f"{number % 10}/invoice-{number:05d}.txt" for number in range(_FAILING, count + 1, _FAILING)
    }
    again = await bought_again(rig, documents)
    calls = (await rig.stats())["calls"]
    return [
        Row(
            f"{count} documents, {len(wanted)} fail for good, worker killed twice",
            f"{result.done} done once, {len(failed & wanted)} failed and named, "
            f"{len(failed - wanted)} others failed, in {result.seconds:.0f} s",
            f"{count - len(wanted)} done, {len(wanted)} named",
            failed == wanted and result.done == count - len(wanted) and not result.left,
        ),
        Row(
            "model calls made again after their answer was recorded",
            f"{again} (of {calls:,} calls since the start)",
            "0",
            again == 0,
        ),
    ]


# --- a batch


async def _batch(rig: Rig, run_id: str, count: int) -> BatchResult:
    folder = _folder(rig, run_id)
    write(folder, count)
    return await _run(rig, run_id, folder)


def _folder(rig: Rig, run_id: str) -> Path:
    return rig.home / "documents" / run_id


async def _run(rig: Rig, run_id: str, folder: Path) -> BatchResult:
    request = BatchRequest(directory=str(folder), form=_FORM, parallel=_WINDOW)
    handle = await rig.session.client.start_workflow(
        "BatchWorkflow",
        request,
        id=run_id,
        task_queue=rig.stack.settings.task_queue,
        result_type=BatchResult,
    )
    return await asyncio.wait_for(handle.result(), _PATIENCE_S)


async def _until(rig: Rig, run_id: str, ended: int) -> None:
    """Wait until so many documents of a batch have ended."""
    batches = Batches(rig.session.database)
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            counts = await batches.counts(run_id)
            if counts.done + counts.failed + counts.unsure >= ended:
                return
            await asyncio.sleep(_LOOK_S)


async def _documents(rig: Rig, run_id: str) -> list[Document]:
    return await Batches(rig.session.database).page(run_id, most=1_000_000)


async def _latency(rig: Rig, milliseconds: int) -> None:
    base = rig.stack.env[variable_of("offline_url")]
    rules = [f"latency,ms={milliseconds}"] if milliseconds else []
    (await rig.http.post(f"{base}/misbehave", json={"rules": rules})).raise_for_status()


# --- the command


def show(console: Console, rows: list[Row]) -> None:
    """Print the rows."""
    table = Table(title="batch")
    for name in ("what", "seen", "wanted", ""):
        table.add_column(name)
    for row in rows:
        table.add_row(row.name, row.seen, row.wanted, "[green]ok[/]" if row.good else "[red]no[/]")
    console.print(table)


async def _measure(home: Path, only: list[str], documents: int, faulty: int) -> list[Row]:
    made: dict[str, Callable[[Rig], Awaitable[list[Row]]]] = {
        "window": window,
        "scale": lambda running: scale(running, documents),
        "faults": lambda running: faults(running, faulty),
    }
    rows: list[Row] = []
    async with rig(home) as running:
        for name in only or list(made):
            began = time.monotonic()
            rows += await made[name](running)
            sys.stderr.write(f"{name}: {time.monotonic() - began:.0f} s\n")
    return rows


def main() -> None:
    """Parse the options and measure; the exit code is 1 where a figure is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.batch", description=__doc__)
    parser.add_argument("--documents", type=int, default=2_000, help="of the row without latency")
    parser.add_argument("--faulty", type=int, default=200, help="documents of the row with kills")
    parser.add_argument("--only", nargs="*", default=[], choices=["window", "scale", "faults"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-batch-") as home:
        rows = asyncio.run(_measure(Path(home), given.only, given.documents, given.faulty))
    show(Console(width=150), rows)
    sys.exit(0 if all(row.good for row in rows) else 1)


if __name__ == "__main__":
    main()
