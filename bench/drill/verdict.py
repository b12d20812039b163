"""What a strike came to: read from the history, the stand-in's counts and the run's own log."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from bench.drill.rig import Rig
from bench.drill.strike import Struck
from commands import history
from commands.history import Leg
from domain.acting import ActRequest
from domain.thinking import ThinkRequest

_WORKFLOW_FAULTS = (
    EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
)


@dataclass(frozen=True)
class Verdict:
    """One struck run, judged.

    Attributes:
        missed: The kill did not land at the moment, so the run shows nothing about it.
        repeated: Calls that were executed again after their completion was in the history.
        twice: Things that took effect more than once, by key and by item.
        asked: Questions that the strike led to.
        faults: Workflow tasks that failed: bugs, never expected.
        seconds: From the kill to the next model call.
        again: Replies that the model gave twice, though only one was recorded.
    """

    moment: str
    seed: int
    outcome: str
    missed: bool
    repeated: int
    twice: int
    asked: tuple[str, ...]
    faults: int
    seconds: float
    again: int = 0

    @property
    def ended_well(self) -> bool:
        """Whether the run completed."""
        return self.outcome == "completed"


async def judge(rig: Rig, run: Struck) -> Verdict:
    """Judge one ended run."""
    legs = await history.legs(rig.session, run.run_id)
    model = (await rig.stats(run.lineage))["list"]
    log = run.place.lines()
    recorded = await _recorded(rig, legs)
    after = [call["at"] for call in model if call["at"] > run.killed]
    slow = recorded.model.get(run.plan.turn, run.killed + 1)
    return Verdict(
        moment=run.plan.moment,
        seed=run.plan.seed,
        outcome=run.outcome,
        missed=slow <= run.killed,
        repeated=_repeated(recorded, model, log),
        twice=twice(log),
        asked=tuple(run.asked),
        faults=sum(event.event_type in _WORKFLOW_FAULTS for leg in legs for event in leg.events),
        seconds=min(after) - run.killed if after else float("nan"),
        again=sum(call["repeated"] for call in model),
    )


@dataclass(frozen=True)
class _Recorded:
    """When the completion of a call was recorded: of model calls by turn, of tools by key."""

    model: dict[int, float]
    tools: dict[str, float]


async def _recorded(rig: Rig, legs: list[Leg]) -> _Recorded:
    found = _Recorded({}, {})
    converter = rig.session.client.data_converter
    for leg in legs:
        for task in history.activities(leg.events):
            if task.done is None:
                continue
            given = task.event.activity_task_scheduled_event_attributes.input
            if task.type == "llm.think":
                turn = (await history.typed(converter, given, ThinkRequest)).turn
                found.model.setdefault(turn, _at(task.done))
            elif task.type.startswith("drill_"):
                key = (await history.typed(converter, given, ActRequest)).key
                found.tools.setdefault(key, _at(task.done))
    return found


def _repeated(recorded: _Recorded, model: list[dict[str, Any]], log: list[dict[str, Any]]) -> int:
    late = float("inf")
    thoughts = sum(call["at"] > recorded.model.get(call["turn"], late) for call in model)
    begun = [line for line in log if line["what"] == "begin"]
    acts = sum(line["at"] > recorded.tools.get(line["key"], late) for line in begun)
    return thoughts + acts


def twice(log: list[dict[str, Any]]) -> int:
    """Return how many things took effect more than once, by key and by item."""
    done = [line for line in log if line["what"] == "effect"]
    keys = Counter(line["key"] for line in done)
    items = Counter((line["tool"], line["item"]) for line in done)
    return sum(count > 1 for count in keys.values()) + sum(count > 1 for count in items.values())


def _at(event: HistoryEvent) -> float:
    return event.event_time.ToNanoseconds() / 1e9
