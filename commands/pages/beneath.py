"""The runs below a run, for its page: what each came to, what kept it on course, its chain."""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from agents.auditor.wording import is_stand_in
from commands import course, history, reading, verify
from commands.pages.around import Below, OfRun
from commands.pages.timeline import Chain
from commands.reading import AGENT_WORKFLOW, Listed
from commands.session import Session
from domain.run import AgentResult
from domain.runs import RunResult
from runtime.runs import Run, Runs

_MOST: Final = 1_000
"""Runs below that a page lists."""
_MOST_CHAINS: Final = 60
"""Chains that are recomputed for a page: each is a whole history to be read."""
_MOST_EVENTS: Final = 200

Link = Callable[[str], str]


class Beneath:
    """What there is below a run."""

    def __init__(self, runs: Sequence[Listed], kept: dict[str, Run], more: int) -> None:
        self.runs = runs
        self.more = more
        self._results = {run_id: _result(run) for run_id, run in kept.items()}

    @property
    def stand_in(self) -> bool:
        """Whether the offline model answered any of them."""
        return any(is_stand_in(result.model) for result in self._results.values() if result)

    def rows(self, link: Link) -> tuple[Below, ...]:
        """Return a row for each."""
        return tuple(self._row(run, link) for run in self.runs)

    def _row(self, run: Listed, link: Link) -> Below:
        result = self._results.get(run.run_id)
        if result is None:
            outcome = run.state if run.is_open else run.execution.lower()
            return Below(
                run.run_id,
                run.agent or run.workflow,
                outcome,
                cost_usd=Decimal(str(run.cost_usd)),
                seconds=run.seconds,
                link=link(run.run_id),
                closed_at=run.closed_at,
            )
        return Below(
            run_id=run.run_id,
            agent=run.agent or run.workflow,
            outcome=run.state if run.is_open else result.outcome.value,
            model=result.model,
            steps=result.spend.steps,
            tokens=result.spend.tokens,
            cost_usd=result.spend.cost_usd,
            seconds=run.seconds,
            decisions=len(result.decisions),
            refused=len(result.rejections) if isinstance(result, AgentResult) else 0,
            link=link(run.run_id),
            closed_at=run.closed_at,
        )

    def course(self) -> tuple[OfRun, ...]:
        """Return what kept them on course, run by run."""
        found = (
            OfRun(run.run_id, event)
            for run in self.runs
            if isinstance(result := self._results.get(run.run_id), AgentResult)
            for event in course.events(result)
        )
        return tuple(each for each, _ in zip(found, range(_MOST_EVENTS), strict=False))


async def read(opened: Session, run_id: str) -> Beneath:
    """Return what there is below a run, in the order in which it began."""
    query = f"{reading.OURS} AND {reading.below(run_id)}"
    found: dict[str, Listed] = {}
    async for each in opened.client.list_workflows(query, page_size=_MOST, limit=2 * _MOST):
        # The latest of those that it continued as, or was resumed as, comes first.
        found.setdefault(each.id, reading.listed(each))
    runs = sorted(found.values(), key=lambda run: (run.started_at, run.run_id))
    shown = runs[:_MOST]
    kept = await Runs(opened.database).several([run.run_id for run in shown])
    return Beneath(shown, {run.run_id: run for run in kept}, len(runs) - len(shown))


async def chains(opened: Session, runs: Sequence[Listed]) -> tuple[Chain | None, int]:
    """Return what recomputing the agents' chains came to, and how many were left out."""
    agents = [run for run in runs if run.workflow == AGENT_WORKFLOW]
    calls, breaks = 0, list[str]()
    for run in agents[:_MOST_CHAINS]:
        legs = await history.legs(opened, run.run_id)
        trail = await verify.walked(opened.client.data_converter, legs)
        calls += trail.calls
        breaks += [f"{run.run_id}: {each.event}: {each.reason}" for each in trail.breaks]
    if not agents:
        return None, 0
    return Chain(not breaks, calls, tuple(breaks)), max(len(agents) - _MOST_CHAINS, 0)


def _result(run: Run) -> RunResult | None:
    """Return what a run came to, as far as it can be read."""
    if not run.result:
        return None
    found: dict[str, Any] = json.loads(run.result)
    model = AgentResult if found.get("workflow") == AGENT_WORKFLOW else RunResult
    try:
        return model.model_validate({"run_id": run.run_id, "agent": run.agent, **found})
    except ValidationError:
        return None
