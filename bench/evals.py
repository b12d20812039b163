"""Evaluations: is a worse prompt caught, and does the same prompt raise no false alarm?

    python -m bench.evals --seed 1 --repeats 20

For each agent: a baseline of three rounds; the same prompt evaluated so many times against it,
each with the offline model's noise from another seed; then the prompt with a sentence of it taken
out. The decision is that of `eval AGENT --baseline FILE`: a permutation test in each of two
samples. The offline model does what its prompt tells it, so that a sentence less is a thing it does
no more; this measures the evaluation, not a model. Needs a Temporal server, or starts one.
"""

import argparse
import asyncio
import json
import logging
import sys
import time
from dataclasses import dataclass, replace
from typing import Final

from agents.registry import agents
from commands.evals.cases import load
from commands.evals.deciding import held_against
from commands.evals.lab import lab
from commands.evals.results import PASSED, Evaluation
from commands.evals.running import Wish, evaluated
from commands.evals.statistics import mean
from commands.evals.stubs import Changes

# What each worse prompt does not say any more.
LEFT_OUT: Final = {
    "casenotes": "without the patient's\nname",
    "complaints": "Promise no money",
    "courier": "Never say that something was booked",
    "extract": "under 0.5 where",
    "frontdesk": "hand the letter to complaints",
    "mailroom": "never what you do",
    "refunds": "a fault of ours",
    "triage": "tickets that people\nhave sorted",
}
_BASELINE_ROUNDS: Final = 3
_ROUNDS: Final = 2
_APART: Final = 1_000


@dataclass(frozen=True)
class Row:
    """What came of one agent.

    Attributes:
        alarms: Of the honest evaluations, those that raised one; `first`: in their first sample.
        caught: What the worse prompt was found worse in; empty if it was not caught.
    """

    agent: str
    cases: int
    passed: float
    honest: int
    first: int
    alarms: int
    worse_passed: float
    caught: str
    runs: int
    seconds: float


async def measured(agent: str, wish: Wish, repeats: int) -> Row:
    """Return how often an agent's evaluation was wrong, and whether it caught the worse prompt."""
    began = time.perf_counter()
    dataset = load(agent)
    first = alarms = 0
    async with lab(Changes(agent)) as at:
        start = replace(wish, repeats=_BASELINE_ROUNDS)
        baseline = await evaluated(at, dataset, start)
        for number in range(1, repeats + 1):
            again = replace(wish, seed=wish.seed + number * _APART)
            now = await evaluated(at, dataset, again)
            comparison, worse = await held_against(at, dataset, baseline, now, again)
            first += bool(comparison.alarms)
            alarms += bool(worse)
            _say(f"{agent}: {number} of {repeats}, {alarms} alarms, {first} in the first sample")
    text = agents()[agent].prompt.text
    spoiled = text.replace(LEFT_OUT[agent], "")
    if spoiled == text:
        raise SystemExit(f"the prompt of {agent!r} does not say {LEFT_OUT[agent]!r} any more")
    async with lab(Changes(agent, prompt=spoiled)) as at:
        bad = replace(wish, seed=wish.seed + _APART // 2, prompt="worse")
        now = await evaluated(at, dataset, bad)
        _, caught = await held_against(at, dataset, baseline, now, bad)
    cases = len(dataset.cases)
    return Row(
        agent, cases, _passed(baseline), repeats, first, alarms, _passed(now),
        ", ".join(sorted(caught)), cases * (_BASELINE_ROUNDS + _ROUNDS * (repeats + 1)),
        time.perf_counter() - began,
    )  # fmt: skip


def _passed(evaluation: Evaluation) -> float:
    return mean([case.mean(PASSED) or 0.0 for case in evaluation.cases])


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> None:
    """Print a row an agent; fail on a false alarm, or where a worse prompt was not caught."""
    parser = argparse.ArgumentParser(prog="python -m bench.evals", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=20, help="honest evaluations")
    parser.add_argument("--noise", type=float, default=0.04, help="share of replies that slip")
    parser.add_argument("--parallel", type=int, default=12)
    parser.add_argument("--agents", default="refunds,casenotes,triage")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    # What the SDK says of a busy machine is no figure.
    logging.getLogger("temporalio").setLevel(logging.CRITICAL)
    rows: list[Row] = []
    for agent in given.agents.split(","):
        wish = Wish(agent, _ROUNDS, given.parallel, given.noise, given.seed)
        rows.append(asyncio.run(measured(agent, wish, given.repeats)))
    if given.json:
        print(json.dumps([vars(row) for row in rows], indent=2))
    else:
        _print(rows, given.noise, given.seed)
    sys.exit(any(row.alarms or not row.caught for row in rows))


def _print(rows: list[Row], noise: float, seed: int) -> None:
    print(f"noise {noise:g}, seed {seed}; offline stand-in")
    head = f"{'agent':<12}{'cases':>6}{'passed':>8}  false alarms  worse prompt"
    print(head)
    for row in rows:
        caught = f"caught ({row.caught})" if row.caught else "NOT caught"
        print(
            f"{row.agent:<12}{row.cases:>6}{row.passed:>8.0%}  {row.alarms} of {row.honest}"
            f" ({row.first} in one sample)  {row.worse_passed:.0%}: {caught}; "
            f"{row.runs:,} runs in {row.seconds:.0f} s"
        )


if __name__ == "__main__":
    main()
