"""`python -m bench.research DIR`: do citations resolve, do invented claims fall, do true ones stay?

Each question is asked twice of the offline model: as it is, and with its writer inventing. What is
quoted is looked up in the files themselves, past the index and all checks.
"""

import argparse
import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from agents.reading.files import read
from agents.reading.words import flat
from agents.researcher_writer.inventing import MADE_UP
from bench.drill.rig import Rig, rig
from domain.researching import ResearchResult
from runtime.settings import variable_of

_DOCS: Final = Path(__file__).parents[1] / "docs"
_QUESTIONS: Final = (
    "How is a model call retried, and what happens to its budget?",
    "What does a person approve, and what does silence mean?",
    "How are tools declared, and what is an idempotency key?",
)


@dataclass(frozen=True)
class Row:
    """What one question came to, as it is and with invention."""

    question: str
    true: ResearchResult
    invented: ResearchResult
    unresolved: int

    @property
    def lost(self) -> int:
        """True claims that were taken out beside the invented ones."""
        kept = {claim.text for claim in self.invented.claims}
        return len([claim for claim in self.true.claims if claim.text not in kept])

    @property
    def let_through(self) -> int:
        """Invented claims that are in the report."""
        true = {claim.text for claim in self.true.claims}
        return len([claim for claim in self.invented.claims if claim.text not in true])

    @property
    def good(self) -> bool:
        """Whether the figures are what they must be."""
        right = len(self.invented.removed) == MADE_UP or not self.true.claims
        return right and not (self.lost or self.let_through or self.unresolved)


async def measure(folder: Path, questions: list[str], home: Path) -> list[Row]:
    """Ask every question twice, and look the quotations up."""
    rows: list[Row] = []
    async with rig(home) as running:
        for question in questions:
            await _misbehave(running)
            true = await _ask(running, folder, question)
            await _misbehave(running, "invent_finding,agent=researcher_writer")
            invented = await _ask(running, folder, question)
            unresolved = _unresolved(folder, true) + _unresolved(folder, invented)
            rows.append(Row(question, true, invented, unresolved))
    return rows


async def _misbehave(running: Rig, *rules: str) -> None:
    base = running.stack.env[variable_of("offline_url")]
    answer = await running.http.post(f"{base}/misbehave", json={"rules": rules})
    answer.raise_for_status()


async def _ask(running: Rig, folder: Path, question: str) -> ResearchResult:
    found: dict[str, Any] = await running.session.client.execute_workflow(
        "ResearchWorkflow",
        {"question": question, "documents": str(folder), "dry_run": True},
        id=f"research-{uuid4().hex[:8]}",
        task_queue=running.stack.settings.task_queue,
    )
    return ResearchResult.model_validate(found)


def _unresolved(folder: Path, result: ResearchResult) -> int:
    """Count the quotations that are not in the file that is named."""
    names = {source.id: source.name for source in result.sources}
    cited = [citation for claim in result.claims for citation in claim.citations]
    return sum(
        flat(each.quote) not in flat(read(folder / names[each.passage]).text) for each in cited
    )


def _table(rows: list[Row]) -> Table:
    table = Table(title=f"{MADE_UP} invented claims put into each report")
    columns = ("documents", "claims", "unresolved", "removed", "let through", "true lost", "s")
    table.add_column("question", max_width=60)
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row.question,
            str(len(row.true.documents)),
            str(len(row.true.claims)),
            str(row.unresolved),
            str(len(row.invented.removed)),
            str(row.let_through),
            str(row.lost),
            f"{row.true.seconds:.1f}",
        )
    return table


def main() -> int:
    """Measure and print; the exit code says whether the figures are as promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=_DOCS)
    parser.add_argument("questions", nargs="*", default=list(_QUESTIONS))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-research-") as home:
        rows = asyncio.run(measure(given.folder.absolute(), given.questions, Path(home)))
    Console().print(_table(rows))
    return 0 if all(row.good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
