"""`python -m bench.false_reports`: false reports, against one prompt to the same model.

The same stand-in, told to invent a share of its findings, looks at the same suspicious accounts
of the same made-up ledgers twice: in one prompt that holds all that the tools would show, its
answer taken as it is; and in an audit. A report is false when it is not what was planted.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from activities.providers.base import Provider, Shape
from activities.providers.openai import OpenAIProvider
from agents.auditor import ledger, profile, sample, screen, spec, tasks
from agents.auditor.faults import Planted
from bench.overhead import Rig, rig
from domain.audit import AuditorAnswer, Candidate, Finding, LedgerSource, ScreenRequest
from domain.auditing import AuditRequest, AuditResult
from domain.messages import Message

_MODEL: Final = "gpt-5-mini"
_RATE: Final = 0.3


@dataclass
class Score:
    """Reports of one way, over all ledgers."""

    reported: int = 0
    false: int = 0
    found: int = 0

    def count(self, findings: Sequence[Finding], planted: Sequence[Planted]) -> None:
        """Add the reports on one ledger."""
        truth = {each.account_id: each for each in planted}
        right = [each for each in findings if _is_right(each, truth.get(each.account_id))]
        self.reported += len(findings)
        self.false += len(findings) - len(right)
        self.found += len({each.account_id for each in right})


def _is_right(finding: Finding, planted: Planted | None) -> bool:
    if planted is None or planted.kind != finding.kind:
        return False
    # A missing booking shows on the account's next one: only its own id is not to be had.
    return finding.kind == "missing" or planted.trans_id == finding.trans_id


async def measure(home: Path, seeds: Sequence[int]) -> tuple[int, Score, Score]:
    """Return how many faults were planted, and the scores of one prompt and of the audit."""
    os.environ["HOLDFAST_OFFLINE_MISBEHAVE"] = f"invent_finding,agent=auditor,rate={_RATE}"
    alone, audited, planted_count = Score(), Score(), 0
    async with rig(home) as running:
        model = OpenAIProvider("offline", base_url=f"{running.offline}/v1", stand_in=True)
        for seed in seeds:
            path = home / f"sample-{seed}.csv"
            planted = sample.write_sample(path, seed)
            planted_count += len(planted)
            alone.count(await _one_prompt_each(model, path, home), planted)
            audited.count(await _audit(running, path), planted)
        await model.close()
    return planted_count, alone, audited


async def _one_prompt_each(model: Provider, path: Path, home: Path) -> list[Finding]:
    prepared = await asyncio.to_thread(ledger.prepare, LedgerSource(ledger=str(path)), home)
    normal = await asyncio.to_thread(profile.profile, prepared.path)
    suspected: list[Candidate] = []
    for accounts in ledger.batches(prepared.path, 100):
        asked = ScreenRequest(path=prepared.path, profile=normal, accounts=accounts)
        suspected += (await asyncio.to_thread(screen.screen, asked)).candidates
    said: list[Finding] = []
    for candidate in suspected:
        task = await asyncio.to_thread(tasks.one_shot, prepared.path, candidate, normal)
        answer = await _asked(model, task)
        if answer is not None and answer.finding is not None:
            said.append(answer.finding)
    return said


async def _asked(model: Provider, task: str) -> AuditorAnswer | None:
    agent = spec.AGENT.spec().model_copy(update={"tools": ()})
    shape = Shape(agent, agent.hash, _MODEL, "turn", (), 2_000, "one-prompt")
    body = model.body(shape, [model.wire(Message(role="user", text=task))])
    reply = await model.complete(body)
    try:
        return AuditorAnswer.model_validate_json(reply.message.text)
    except ValidationError:
        return None


async def _audit(running: Rig, path: Path) -> list[Finding]:
    handle = await running.client.start_workflow(
        "AuditWorkflow",
        AuditRequest(ledger=str(path), dry_run=True),
        id=f"audit-{uuid4().hex[:8]}",
        task_queue=running.queue,
        result_type=AuditResult,
    )
    result: AuditResult = await handle.result()
    answers = [each.answer for each in result.findings if each.answer]
    return [answer.finding for answer in answers if answer.finding]


def show(planted: int, alone: Score, audited: Score) -> None:
    """Print both, and how many false reports the audit spares."""
    table = Table(title=f"{planted} planted faults, {_RATE:.0%} of the model's findings invented")
    for name in ("", "reported", "false", "faults found"):
        table.add_column(name, justify="right")
    for name, score in (("one prompt, answer as it is", alone), ("audit", audited)):
        table.add_row(name, str(score.reported), str(score.false), f"{score.found} of {planted}")
    console = Console(width=100)
    console.print(table)
    fewer = 1 - audited.false / alone.false if alone.false else 0
    console.print(f"false reports: {fewer:.0%} fewer")


def main() -> None:
    """Parse how many ledgers, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledgers", type=int, default=10, help="of 8 faults each")
    parser.add_argument("--seed", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as home:
        seeds = range(given.seed, given.seed + given.ledgers)
        show(*asyncio.run(measure(Path(home), seeds)))


if __name__ == "__main__":
    main()
