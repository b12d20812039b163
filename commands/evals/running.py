"""Running an agent's cases, bounded in number at once, round by round, and scoring each run."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic_evals.reporting import EvaluationReport

from agents.registry import agents
from commands.evals import matching
from commands.evals.cases import About, Expected, Inputs, identity
from commands.evals.judging import Verdict, judged
from commands.evals.lab import Lab, Ran
from commands.evals.results import PASSED, Case, Evaluation, Run
from commands.evals.scorers import ByJudge, ByRules, calls_of

if TYPE_CHECKING:
    from pydantic_evals import Dataset

_MOST_ANSWER = 4_000
_MOST_CALL = 300
Report = EvaluationReport[Inputs, Ran, About]


@dataclass(frozen=True)
class Wish:
    """How cases are run.

    Attributes:
        repeats: Rounds; each runs every case once.
        parallel: Cases at once.
        noise: Share of the offline model's replies that slip.
        seed: Of that noise; each round has the next.
    """

    agent: str
    repeats: int = 1
    parallel: int = 8
    noise: float = 0
    seed: int = 0
    prompt: str = ""
    model: str = ""


async def evaluated(
    lab: Lab,
    dataset: "Dataset[Inputs, Expected, About]",
    wish: Wish,
    done: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Run every case so often, and return what each run scores.

    Args:
        lab: Where they run.
        dataset: The cases.
        wish: How.
        done: Called at the end of every case.
    """
    names = {id(case.inputs): str(case.name) for case in dataset.cases}

    async def run(inputs: Inputs) -> Ran:
        ran = await lab.case(wish.agent, inputs, names[id(inputs)])
        done()
        return ran

    async def judge(rubric: str, task: str, answer: str) -> Verdict:
        return await judged(lab, rubric, task, answer)

    asked: Any = dataset
    asked.evaluators = [ByRules(), ByJudge(judge)]
    runs: dict[str, list[Run]] = {name: [] for name in names.values()}
    for number in range(wish.repeats):
        if lab.offline_url:
            await lab.noisy(wish.agent, wish.noise, wish.seed + number)
        report: Report = await asked.evaluate(
            run, name=wish.agent, max_concurrency=wish.parallel, progress=False
        )
        for name, one in _runs(report):
            runs[name].append(one)
    return _put_together(dataset, wish, runs, stand_in=bool(lab.offline_url))


def _put_together(
    dataset: "Dataset[Inputs, Expected, About]",
    wish: Wish,
    runs: dict[str, list[Run]],
    *,
    stand_in: bool,
) -> Evaluation:
    cases = [
        Case(
            name=str(case.name),
            identity=identity(case.inputs, case.expected_output or Expected()),
            why=case.metadata.why if case.metadata else "",
            tags=tuple(case.metadata.tags if case.metadata else ()),
            runs=tuple(runs[str(case.name)]),
        )
        for case in dataset.cases
    ]
    models = sorted({run.model for each in runs.values() for run in each if run.model})
    stated = agents()[wish.agent].prompt.version
    return Evaluation(
        agent=wish.agent,
        model=wish.model or ", ".join(models),
        prompt=wish.prompt or stated,
        at=datetime.now(UTC),
        repeats=wish.repeats,
        noise=wish.noise,
        seed=wish.seed,
        stand_in=stand_in,
        cases=tuple(cases),
    )


def _runs(report: Report) -> list[tuple[str, Run]]:
    """Return the runs of a round; one that broke scores nothing, and says why."""
    found: list[tuple[str, Run]] = []
    for case in report.cases:
        scores = {name: float(each.value) for name, each in case.scores.items()}
        reasons = {name: each.reason for name, each in case.scores.items() if each.reason}
        for failure in case.evaluator_failures:
            # `judge` has no verdict: that is no fault of the agent's, and no score of its either.
            reasons[failure.name] = failure.error_message
        scores[PASSED] = float(all(score >= 1 for score in scores.values()))
        found.append((case.name, _run(case.output, scores, reasons)))
    for failed in report.failures:
        reasons = {"outcome": failed.error_message}
        run = Run(scores={PASSED: 0.0, "outcome": 0.0}, reasons=reasons)
        found.append((failed.name, run))
    return found


def _run(ran: Ran, scores: dict[str, float], reasons: dict[str, str]) -> Run:
    result = ran.result
    spend = result.spend if result else None
    numbers = {
        "steps": float(result.turns if result else 0),
        "tokens": float(spend.tokens if spend else 0),
        "cost_usd": float(spend.cost_usd if spend else 0),
        "seconds": round(ran.seconds - (result.waited_s if result else 0), 3),
    }
    calls = [f"{call.tool} {dict(call.arguments)}"[:_MOST_CALL] for call in calls_of(ran)]
    answer = matching.text_of(result.answer) if result and result.answer is not None else ""
    return Run(
        run_id=ran.run_id,
        scores=scores,
        numbers=numbers,
        reasons=reasons,
        answer=answer[:_MOST_ANSWER],
        calls=tuple(calls),
        model=result.model if result else "",
    )
