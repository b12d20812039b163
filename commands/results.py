"""How a run's end is printed: for a person, for a machine, and as an exit code.

A workflow's own part comes from its command: `@shows("batch")` over what goes above the facts.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from rich.console import RenderableType

from commands import console, course, views
from commands.checked import told
from commands.console import safe
from commands.errors import CommandError, Exit
from commands.following import Waits
from commands.kinds import kinds, name_of
from commands.reading import Closed
from domain.memory import Recalled
from domain.run import AgentResult
from domain.runs import Outcome, RunResult

_Body = Callable[[Any], Iterable[RenderableType]]
_BodyT = TypeVar("_BodyT", bound=_Body)
Facts = Callable[[Any], Mapping[str, str]]
Figures = Callable[[Any], dict[str, Any]]
_MOST_LINES: Final = 20


@dataclass(frozen=True)
class _Shown:
    """How the results of one workflow are printed."""

    body: _Body
    facts: Facts
    figures: Figures


_SHOWN: Final[dict[str, _Shown]] = {}


def shows(
    kind: str, *, facts: Facts | None = None, figures: Figures | None = None
) -> Callable[[_BodyT], _BodyT]:
    """Say how the results of a workflow are printed; `run`, `show` and `watch` then do so.

    The decorated function is given the typed result and returns what stands above the facts.

    Args:
        kind: The workflow, as `commands.kinds` calls it.
        facts: Names and values (markup) that take the place of the counts.
        figures: What `--json` prints; else the whole result.
    """

    def add(body: _BodyT) -> _BodyT:
        _SHOWN[kind] = _Shown(body, facts or counts, figures or console.plain)
        return body

    return add


def code(outcome: str) -> Exit:
    """Return the exit code for an outcome: only what was completed is a success."""
    return Exit.OK if outcome == Outcome.COMPLETED else Exit.FAILED


def failed(run_id: str, failure: str) -> CommandError:
    """Return the error for a run that closed without a result."""
    return CommandError(
        f"run {run_id!r} failed: {failure}; once its cause is mended: "
        f"python starter.py resume {run_id}"
    )


def run_result(run_id: str, closed: Closed, *, as_json: bool, kind: str = "") -> Exit:
    """Print what a run of any workflow came to.

    Args:
        run_id: The run.
        closed: How it ended.
        as_json: For a machine.
        kind: The workflow, as `commands.kinds` calls it; empty: what all results have.

    Raises:
        CommandError: It closed as failed.
    """
    if closed.result is None:
        raise failed(run_id, closed.failure)
    known = kinds().get(kind)
    model = known.result if known else RunResult
    result = model.model_validate({"run_id": run_id, "agent": "", **closed.result})
    if not isinstance(result, RunResult):
        raise TypeError(f"the result of {kind!r} is no RunResult; report this as a bug")
    if as_json:
        console.emit(_shown(kind).figures(result))
    else:
        show(result, kind)
    return Exit.OK if result.whole else Exit.FAILED


def any_result(workflow: str, run_id: str, closed: Closed, *, as_json: bool = False) -> Exit:
    """Print what a run of a workflow type came to."""
    return run_result(run_id, closed, as_json=as_json, kind=name_of(workflow))


def show(result: RunResult, kind: str = "", *, waiting: bool = False) -> None:
    """Print a result for a person, or what there is of it while the run waits for one."""
    how = _shown(kind)
    out = console.out()
    for part in how.body(result):
        out.print(part, soft_wrap=True)
    out.print(views.facts(_facts(result, how.facts, waiting=waiting)))


def counts(result: RunResult) -> dict[str, str]:
    """Return the whole numbers that a workflow's result adds to what all results have."""
    own = type(result).model_fields.keys() - RunResult.model_fields.keys()
    named = ((name, getattr(result, name)) for name in type(result).model_fields if name in own)
    numbers = (
        f"{number:,} {name.replace('_', ' ')}"
        for name, number in named
        if isinstance(number, int) and not isinstance(number, bool)
    )
    return {"counts": ", ".join(numbers)}


def spent(result: RunResult, more: str = "") -> str:
    """Return what a run has used, in one line."""
    spend = result.spend
    calls = f"{spend.steps:,} model calls{more}"
    took = f", {views.duration(result.seconds)}" if result.seconds else ""
    return f"{calls}, {spend.tokens:,} tokens, {views.money(str(spend.cost_usd))}{took}"


def agent_result(run_id: str, closed: Closed, *, as_json: bool) -> Exit:
    """Print what an agent's run came to.

    Raises:
        CommandError: It closed as failed.
    """
    return run_result(run_id, closed, as_json=as_json, kind="agent")


def waits_json(waits: Waits) -> dict[str, Any]:
    """Return what a run waits for, as JSON types."""
    said = waits.status
    return {
        "run_id": waits.run_id,
        "outcome": None,
        "state": waits.state,
        "question": said.question if said else None,
        "stop": console.plain(said.stop) if said and said.stop else None,
    }


def recalled(found: Iterable[Recalled]) -> str:
    """Return what a run was told of its long-term memory, counted by kind."""
    counted = Counter(each.kind for each in found)
    return ", ".join(f"{number} {kind}{'s' * (number > 1)}" for kind, number in counted.items())


def lines(texts: Iterable[str], most: int = _MOST_LINES) -> str:
    """Return texts that others wrote, one a line, as markup; of many the first few."""
    every = list(texts)
    more = [f"… and {len(every) - most} more: --json has them all"] if len(every) > most else []
    return safe("\n".join([*every[:most], *more]))


def _shown(kind: str) -> _Shown:
    return _SHOWN.get(kind) or _Shown(lambda _: (), counts, console.plain)


def _facts(result: RunResult, own: Facts, *, waiting: bool) -> dict[str, str]:
    outcome = "[yellow]waits for a person[/]" if waiting else views.state(result.outcome)
    facts = {
        "outcome": outcome,
        "why": "" if waiting else safe(result.reason),
        **own(result),
        "not done": lines(result.not_done),
        "decisions": "\n".join(views.decision(made) for made in result.decisions[-_MOST_LINES:]),
        "ignored": lines(result.ignored),
    }
    # A workflow may say what it has spent in words of its own.
    return facts | {"spend": facts.pop("spend", spent(result)), "model": safe(result.model)}


def _kept_replies(result: AgentResult) -> str:
    kept = result.cached_turns
    return f", {kept} of them {'kept replies' if kept > 1 else 'a kept reply'}" if kept else ""


def _agent_facts(result: AgentResult) -> dict[str, str]:
    kept = result.memory
    folded = f"{kept.messages:,} older messages in {kept.folds:,} folds" if kept else ""
    return {
        "spend": spent(result, _kept_replies(result) + f", {result.tool_calls} tool calls"),
        "recalled": recalled(result.recalled),
        "checks": lines(told(result.checks)),
        "kept on course": lines(course.told(result)),
        "folded": folded if kept and kept.folds else "",
        "noted": lines(f"{name}: {value}" for name, value in kept.notes.items()) if kept else "",
    }


@shows("agent", facts=_agent_facts)
def _answer(result: AgentResult) -> Iterable[RenderableType]:
    answer = result.answer
    if isinstance(answer, str):
        yield safe(answer)
    elif answer is not None:
        yield safe(json.dumps(answer, indent=2, ensure_ascii=False))
