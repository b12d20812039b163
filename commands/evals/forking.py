"""`fork --prompt`: runs of before, gone on from a step with another prompt, and what that changes.

What was before the step is taken over as it is. Behind it the model is asked anew; what a tool had
said to the same call it says again, another read runs, and another write is told done and is not.
Both ways are held against the same: what people made of the run, as `eval add` would.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from commands import console
from commands.console import safe
from commands.errors import Misuse
from commands.evals import matching
from commands.evals.adding import taken_along
from commands.evals.attending import Asked
from commands.evals.cases import Expected, Inputs, Stub
from commands.evals.judging import judged
from commands.evals.lab import Lab, Ran, lab
from commands.evals.recorded import Recorded, as_they_ran, lesson, stubs_of
from commands.evals.scorers import scored
from commands.evals.statistics import Interval, difference, mean, worse
from commands.evals.stubs import Changes, Made
from domain.run import AgentRequest
from domain.spec import AgentSpec
from domain.state import AgentState
from domain.taint import NOTICE


@dataclass(frozen=True)
class Past:
    """A run of before, and its state at the step; None where it starts over."""

    run: Recorded
    state: AgentState | None
    step: int


@dataclass(frozen=True)
class Way:
    """One way that a run went, behind the step.

    Attributes:
        score: Mean of the scorers.
        seconds: Of its model calls; tools answer from the record, so their time says nothing.
    """

    run_id: str
    outcome: str
    score: float
    reasons: str
    cost_usd: float
    steps: int
    seconds: float


@dataclass(frozen=True)
class Forked:
    """A run, before and after.

    Attributes:
        from_record: Calls that the record answered, of `calls`.
        not_made: Writes that were told done, and were not.
    """

    run_id: str
    before: Way
    after: Way
    same_answer: bool
    calls: int
    from_record: int
    not_made: int


@dataclass(frozen=True)
class _Held:
    """What both ways are held against."""

    expected: Expected
    rubric: str


async def forked(
    past: Sequence[Past], prompt: str, expected: dict[str, Any], rubric: str
) -> list[Forked]:
    """Go on from each run's step with another prompt, and return what that changed.

    Args:
        past: The runs, all of one agent.
        prompt: The text of the system prompt.
        expected: What should come of each, besides what it teaches by itself.
        rubric: What a judge asks of both answers; empty for no judge.

    Raises:
        Misuse: The runs are of several agents.
    """
    agents = {each.run.request.agent for each in past}
    if len(agents) != 1:
        raise Misuse(f"--prompt is one agent's; the runs are of {', '.join(sorted(agents))}")
    [agent] = agents
    async with lab(Changes(agent, prompt=prompt)) as at:
        return [await _one(at, each, prompt, expected, rubric) for each in past]


async def _one(at: Lab, past: Past, prompt: str, given: dict[str, Any], rubric: str) -> Forked:
    run = past.run
    learned = lesson(run)
    expected = Expected.model_validate({**learned.expected.model_dump(), **given})
    held = _Held(expected, rubric)
    # In a folder of its own, so that a check of a write meets the world without that write.
    data, files = await asyncio.to_thread(taken_along, run.request.data, [])
    inputs = Inputs(stubs=_stubs(past), answers=learned.answers, data=data, files=files)
    request = _request(past, prompt)
    ran = await at.goes_on(request, inputs, "fork")
    after = replace(ran, story=_whole(past, ran))
    before = _as_ran(run)
    spent = past.state.spend if past.state else None
    taken = float(spent.cost_usd) if spent else 0.0
    made = ran.made
    return Forked(
        run.run_id,
        await _way(at, before, held, past.step, taken),
        await _way(at, after, held, past.step, taken),
        bool(ran.result and ran.result.answer == run.result.answer),
        len(made),
        sum(each.by == "stub" for each in made),
        sum(each.by == "nobody" for each in made),
    )


async def _way(at: Lab, ran: Ran, held: "_Held", step: int, taken: float) -> Way:
    scores = scored(ran, held.expected)
    result = ran.result
    if held.rubric:
        answer = matching.text_of(result.answer) if result and result.answer is not None else ""
        task = ran.story.request.task if ran.story else ""
        verdict = await judged(at, held.rubric, task, answer)
        scores["judge"] = (float(verdict.passes), "" if verdict.passes else verdict.reason)
    turns = ran.story.turns[step:] if ran.story else []
    return Way(
        ran.run_id,
        result.outcome.value if result else "failed",
        mean([score for score, _ in scores.values()]),
        "; ".join(f"{name}: {why}" for name, (_, why) in sorted(scores.items()) if why),
        max(0.0, float(result.spend.cost_usd) - taken) if result else 0.0,
        len(turns),
        sum(turn.seconds for turn in turns),
    )


def _request(past: Past, prompt: str) -> AgentRequest:
    run, state = past.run, past.state
    changes: dict[str, Any] = {
        "tenant": "evaluation",
        "forked_from": run.run_id,
        "lineage": "",
        "state": None,
        "dry_run": False,
    }
    if state is not None:
        spec = _spec(state.spec, prompt) if state.spec else None
        changes["state"] = state.model_copy(update={"lineage": str(uuid4()), "spec": spec})
    return run.request.model_copy(update=changes)


def _spec(spec: AgentSpec, prompt: str) -> AgentSpec:
    """Return what the run had resolved, with the other prompt, and served by one queue alone."""
    text = f"Agent: {spec.name} (prompt candidate)\n\n{prompt.strip()}"
    if spec.system.endswith(NOTICE):
        text = f"{text}\n\n{NOTICE}"
    alone = {"queue": "", "rate_per_second": 0}
    changes: dict[str, Any] = {
        "system": text,
        "prompt_version": "candidate",
        "tools": tuple(tool.model_copy(update=alone) for tool in spec.tools),
        "shared_route": False,
        "turns": None,
        "cache_s": 0,
    }
    return spec.model_copy(update=changes)


def _stubs(past: Past) -> dict[str, list[Stub]]:
    """Return what tools said behind the step; then before it, for a call that is made again."""
    turns = past.run.story.turns
    later, earlier = stubs_of(turns[past.step :]), stubs_of(turns[: past.step])
    found = {name: [*later.get(name, ()), *stubs] for name, stubs in earlier.items()}
    whole = as_they_ran({**later, **found}, past.run.result.writes)
    return {name: [*whole.get(name, ()), *stubs] for name, stubs in past.run.stubs.items()}


def _whole(past: Past, ran: Ran) -> Any:
    """Return the conversation with what was before the step."""
    if ran.story is None:
        return None
    before = past.run.story.turns[: past.step]
    return replace(ran.story, steps=[*before, *ran.story.steps])


def _as_ran(run: Recorded) -> Ran:
    """Return a run of before as an evaluation's."""
    asked = [
        Asked(each.kind, each.tool, each.arguments, each.verdict, declared=True)
        for each in run.result.decisions
        if each.verdict in {"approve", "reject", "modify"}
    ]
    made = [Made(run.run_id, e.tool, e.arguments, e.text, write=True) for e in run.result.writes]
    return Ran(run.run_id, run.result, "", made, asked, run.story, run.result.seconds)


# --- what is printed


def told(found: Sequence[Forked]) -> dict[str, Any]:
    """Return the comparison for a machine."""
    by, chance = _by(found)
    return {
        "runs": [
            {**vars(each), "before": vars(each.before), "after": vars(each.after)} for each in found
        ],
        "score": {
            "before": mean([each.before.score for each in found]),
            "after": mean([each.after.score for each in found]),
            "by": list(by),
            "p_worse": chance,
        },
        "cost_usd": _sums(found, "cost_usd"),
        "steps": _sums(found, "steps"),
        "seconds": _sums(found, "seconds"),
    }


def show(found: Sequence[Forked]) -> None:
    """Print the comparison for a person."""
    columns = ("run", "score", "cost, USD", "steps", "thinking, s", "answer", "from the record")
    table = console.table(*columns)
    for each in found:
        old, new = each.before, each.after
        table.add_row(
            safe(each.run_id),
            f"{old.score:.0%} → {_toned(old.score, new.score)}",
            f"{old.cost_usd:.5f} → {new.cost_usd:.5f}",
            f"{old.steps} → {new.steps}",
            f"{old.seconds:.2f} → {new.seconds:.2f}",
            "same" if each.same_answer else "other",
            f"{each.from_record} of {each.calls}"
            + (f", {each.not_made} not made" if each.not_made else ""),
        )
    console.out().print(table)
    for each in found:
        for word, way in (("before", each.before), ("after", each.after)):
            if way.reasons:
                console.note(f"{each.run_id}, {word}: {way.reasons}")
    by, chance = _by(found)
    console.out().print(
        f"score {by.value:+.0%} (95 %: {by.low:+.0%} to {by.high:+.0%}) over {len(found)} runs; "
        f"chance of so low a one if nothing had changed: {chance:.3f}"
    )


def _toned(old: float, new: float) -> str:
    tone = "green" if new > old else "red" if new < old else ""
    return f"[{tone}]{new:.0%}[/]" if tone else f"{new:.0%}"


def _by(found: Sequence[Forked]) -> tuple[Interval, float]:
    pairs = [([each.before.score], [each.after.score]) for each in found]
    return difference(pairs), worse(pairs)


def _sums(found: Sequence[Forked], name: str) -> dict[str, float]:
    before = [each.before for each in found]
    after = [each.after for each in found]
    return {
        "before": sum(float(getattr(way, name)) for way in before),
        "after": sum(float(getattr(way, name)) for way in after),
    }
