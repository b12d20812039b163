"""`python -m bench.self_checks`: what is wrong and gets through, without and with self-checks.

The offline model answers for bills (`agents/billing`) and is told to make a share of its credits
and answers up. The same tasks run with no checks, with each, and with all; then with all, while the
critic is told to accept a share of what it should not. A credit is wrong if it is not the one that
was due, an answer if it is not what the file of invoices says: looked up here, past every check.

The set that the stand-ins were written against is seed 0; the figures are of other seeds.
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from rich.console import Console
from rich.table import Table
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from agents.artifacts import read_artifact
from agents.billing.spec import AGENT
from agents.toolkit import Agent
from bench.bills import Task, tasks
from bench.drill.rig import Rig, rig
from commands.service import compose
from domain.run import AgentRequest, AgentResult
from domain.spec import ApprovalPolicy
from runtime.settings import variable_of

_AT_ONCE: Final = 4
# Nobody is there: what would be put before a person does not happen, and does not get through.
_NOBODY: Final = ApprovalPolicy(effects=(), timeout=timedelta(milliseconds=300))


@dataclass(frozen=True)
class Way:
    """One way to run the agent.

    Attributes:
        critic_errs: Share of its verdicts in which the critic accepts whatever it sees.
    """

    name: str
    agent: Agent
    critic_errs: float = 0


@dataclass
class Score:
    """What one way came to."""

    runs: int = 0
    answers: int = 0
    wrong_answers: int = 0
    credits: int = 0
    wrong_credits: int = 0
    stopped: int = 0
    stopped_right: int = 0
    calls: int = 0
    tokens: int = 0
    leaked: list[str] = field(default_factory=list[str])


def ways(errs: float) -> list[Way]:
    """Return the ways that are compared."""
    bare = replace(
        AGENT,
        critic=None,
        verification=None,
        escalation=None,
        phases=(),
        side_prompts={},
        approvals=_NOBODY,
        tools=[*_without_second_checks(), read_artifact],
    )
    whole = replace(AGENT, approvals=_NOBODY, tools=[*AGENT.tools, read_artifact])
    criticised = replace(bare, critic=AGENT.critic, side_prompts=AGENT.side_prompts)
    return [
        Way("no checks", bare),
        Way("critic", criticised),
        Way(f"critic that errs in {errs:.0%}", criticised, errs),
        Way("verification", replace(bare, verification=AGENT.verification)),
        Way("second check, phases", replace(bare, tools=whole.tools, phases=_with(AGENT))),
        Way("all", whole),
        Way("all, with that critic", whole, errs),
    ]


def _without_second_checks() -> list[Any]:
    return [
        replace(tool, spec=tool.spec.model_copy(update={"second_check": False}), second_check=None)
        for tool in AGENT.tools
    ]


def _with(agent: Agent) -> Sequence[Any]:
    return agent.phases


# --- running


async def measure(
    home: Path, seed: int, number: int, rate: float, errs: float
) -> list[tuple[Way, Score]]:
    """Run every task every way."""
    found: list[tuple[Way, Score]] = []
    async with rig(home) as running:
        for at, way in enumerate(ways(errs)):
            folder = home / f"way-{at}"
            folder.mkdir()
            asked = tasks(folder, seed, number)
            await _misbehave(running, seed, rate, way.critic_errs)
            async with _serving(running, way.agent, f"way-{at}") as queue:
                found.append((way, await _score(running, queue, folder, asked)))
    return found


async def _misbehave(running: Rig, seed: int, rate: float, errs: float) -> None:
    base = running.stack.env[variable_of("offline_url")]
    rules = [f"invent_finding,agent=billing,rate={rate}"]
    if errs:
        rules.append(f"invent_finding,agent=billing_critic,rate={errs}")
    answer = await running.http.post(f"{base}/misbehave", json={"seed": seed, "rules": rules})
    answer.raise_for_status()


@asynccontextmanager
async def _serving(running: Rig, agent: Agent, queue: str) -> AsyncGenerator[str]:
    """Serve one agent on a queue of its own, in this process, with everything else as it is."""
    settings = running.stack.settings.model_copy(update={"task_queue": queue})
    url = running.stack.env[variable_of("offline_url")]
    served = compose(settings, running.session.database, url, {agent.name: agent})
    main = next(each for each in served.queues if each.name == queue)
    async with Worker(
        running.session.client,
        task_queue=queue,
        workflows=main.workflows,
        activities=main.activities,
        workflow_runner=UnsandboxedWorkflowRunner(),
        workflow_failure_exception_types=served.failures,
        interceptors=served.interceptors,
    ):
        yield queue


async def _score(running: Rig, queue: str, folder: Path, asked: Sequence[Task]) -> Score:
    score, room = Score(runs=len(asked)), asyncio.Semaphore(_AT_ONCE)

    async def one(task: Task) -> tuple[Task, AgentResult]:
        async with room:
            request = AgentRequest(
                agent=AGENT.name,
                task=json.dumps(task.task),
                data={"invoices": str(folder / "invoices.csv")},
            )
            result = await running.session.client.execute_workflow(
                "AgentWorkflow",
                request,
                id=f"{queue}-{uuid4().hex[:8]}",
                task_queue=queue,
                result_type=AgentResult,
            )
            return task, result

    ended = await asyncio.gather(*(one(task) for task in asked))
    made = _credits(folder)
    for task, result in ended:
        _count(score, task, result, made.get(result.run_id, []))
    return score


def _credits(folder: Path) -> dict[str, list[tuple[str, int]]]:
    path = folder / "credits.jsonl"
    found: dict[str, list[tuple[str, int]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        each = json.loads(line)
        found.setdefault(each["run"], []).append((each["invoice_id"], each["cents"]))
    return found


def _count(score: Score, task: Task, result: AgentResult, made: list[tuple[str, int]]) -> None:
    score.calls += result.spend.steps
    score.tokens += result.spend.tokens
    score.credits += len(made)
    score.wrong_credits += len([each for each in made if each != task.due])
    right = {**task.owed, "credited_cents": sum(cents for _, cents in made)}
    if not result.whole:
        score.stopped += 1
        asked = [each.arguments for each in result.decisions if each.kind == "answer"]
        score.stopped_right += bool(asked and asked[-1] and not _wrong(asked[-1], right))
        return
    score.answers += 1
    wrong = _wrong(result.answer, right)
    if wrong:
        score.wrong_answers += 1
        score.leaked.append(wrong)


def _wrong(answer: Any, right: Mapping[str, Any]) -> str:
    """Return the field in which an answer is not what it must be."""
    return next((name for name in right if answer.get(name) != right[name]), "")


# --- showing


def show(found: Sequence[tuple[Way, Score]], rate: float, seed: int) -> None:
    """Print what got through, and what it took."""
    table = Table(
        title=f"{found[0][1].runs} tasks of seed {seed}, {rate:.0%} of credits and answers made up"
    )
    table.add_column("checks")
    for name in (
        "wrong answers",
        "wrong credits",
        "for a person",
        "model calls",
        "tokens",
        "leaks",
    ):
        table.add_column(name, justify="right")
    first = found[0][1]
    for way, score in found:
        table.add_row(
            way.name,
            f"{score.wrong_answers} of {score.answers}",
            f"{score.wrong_credits} of {score.credits}",
            f"{score.stopped} ({score.stopped_right} right)",
            f"{score.calls / score.runs:.1f} (+{(score.calls - first.calls) / score.runs:.1f})",
            f"{score.tokens / score.runs:,.0f}",
            ", ".join(f"{each} {score.leaked.count(each)}" for each in sorted({*score.leaked})),
        )
    Console(width=130).print(table)


def main() -> int:
    """Measure and print; the exit code says whether the checks let fewer through than none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--tasks", type=int, default=60)
    parser.add_argument("--rate", type=float, default=0.4)
    parser.add_argument("--critic-errs", type=float, default=0.3)
    given = parser.parse_args()
    logging.getLogger("temporalio").setLevel(logging.ERROR)  # refusals are what is measured
    with tempfile.TemporaryDirectory(prefix="holdfast-checks-") as home:
        found = asyncio.run(
            measure(Path(home), given.seed, given.tasks, given.rate, given.critic_errs)
        )
    show(found, given.rate, given.seed)
    without, whole = found[0][1], found[-2][1]
    return 0 if whole.wrong_answers + whole.wrong_credits < without.wrong_answers else 1


if __name__ == "__main__":
    sys.exit(main())
