"""How a run looks on a terminal."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from commands import console
from commands.console import safe
from commands.reading import Listed
from domain.approval import Decision, Question
from domain.folding import Remembered
from domain.run import Status, Stop

_MINUTE, _DAY = 60, 24
# An agent that measures has limits, since all have, and none that it could reach.
_NO_LIMIT = 100_000_000
# Of one argument; the whole is in the run's page and in `--json`.
_MOST, _MOST_LINES = 2_000, 16
_COLOURS = {
    "COMPLETE": "green",
    "completed": "green",
    "PENDING_APPROVAL": "yellow",
    "STOPPED": "yellow",
    "limit": "yellow",
    "REJECTED": "red",
    "FAILED": "red",
    "failed": "red",
    "rejected": "red",
    "aborted": "red",
    "cancelled": "red",
}


def state(name: str) -> str:
    """Return a state or an outcome in its colour, as markup."""
    return f"[{_COLOURS.get(name, 'cyan')}]{safe(name or '?')}[/]"


def duration(seconds: float) -> str:
    """Return a duration as a person says it: `3.2 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours} h {minutes} min" if hours < _DAY else f"{hours // _DAY} d {hours % _DAY} h"


def money(amount: float | str) -> str:
    """Return dollars, with the digits that small amounts need."""
    value = float(amount)
    return f"${value:,.2f}" if value >= 1 or value == 0 else f"${value:.4f}"


def runs(found: list[Listed]) -> Table:
    """Return runs as a table."""
    made = console.table(
        "run", "agent", "state", "age", "took", "cost", right=("age", "took", "cost")
    )
    for run in found:
        age = (datetime.now(UTC) - run.started_at).total_seconds()
        made.add_row(
            safe(run.run_id),
            safe(run.agent or run.workflow),
            shown_state(run),
            duration(age),
            duration(run.seconds),
            money(run.cost_usd),
        )
    return made


def shown_state(run: Listed) -> str:
    """Return where a run is: its own state, or how the server closed it."""
    if run.is_open or run.execution == "COMPLETED":
        return state(run.state or run.execution)
    return state(run.execution)


def facts(rows: Mapping[str, str]) -> Table:
    """Return names and values, one a line; values are markup."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows.items():
        if value:
            made.add_row(name, value)
    return made


def spent(said: Status) -> str:
    """Return what a run has used, against the limits that it could reach."""
    spend, limits = said.spend, said.limits
    used = (
        ("model calls", spend.steps, limits.get("steps")),
        ("tokens", spend.tokens, limits.get("tokens")),
    )
    parts = [f"{number:,}{_of(limit)} {name}" for name, number, limit in used]
    cost = limits.get("cost_usd")
    most = f" of {money(str(cost))}" if cost and float(str(cost)) < _NO_LIMIT else ""
    return ", ".join([*parts, f"{money(str(spend.cost_usd))}{most}"])


def _of(limit: int | None) -> str:
    return f" of {limit:,}" if limit and limit < _NO_LIMIT else ""


def status(run_id: str, said: Status, seconds: float, page: str = "") -> RenderableType:
    """Return a run's state as a panel."""
    parts: list[RenderableType] = [
        facts(
            {
                "state": state(said.state),
                "turn": "" if said.extra else str(said.turn),
                "now": safe(_short(said.tool, 200)),
                "spend": spent(said),
                "time": duration(seconds),
                **{name: safe(str(value)) for name, value in said.extra.items()},
                "page": f"[link={page}]{page}[/]" if page else "",
            }
        )
    ]
    if said.plan:
        steps = "\n".join(f"{n}. {step}" for n, step in enumerate(said.plan, 1))
        parts.append(Text(f"\n{steps}", style="dim"))
    if said.memory:
        parts.append(Text(f"\n{_memory(said.memory)}", style="dim"))
    if said.question:
        parts.append(question(run_id, Question.model_validate(said.question)))
    if said.stop:
        parts.append(stopped(run_id, said.stop))
    if said.ignored:
        parts.append(Text("\nanswers that did not count:\n" + "\n".join(said.ignored[-3:])))
    title = f"[bold]{safe(run_id)}[/] {safe(said.agent)}"
    return Panel(Group(*parts), title=title, title_align="left", border_style="dim")


def _memory(kept: Remembered) -> str:
    """Return a run's notes, and how much of its conversation was folded away, as plain text."""
    lines = [f"{name}: {_short(_value(value), 200)}" for name, value in kept.notes.items()]
    if kept.folds:
        known = len(kept.manifest.items) if kept.manifest else 0
        lines.append(f"({kept.messages:,} older messages folded, {known} items of them known)")
    return "\n".join(lines)


def question(run_id: str, asked: Question) -> RenderableType:
    """Return the form that a person decides by. What a model wrote is shown, never obeyed."""
    body: list[RenderableType] = [
        facts(
            {
                "why": safe(asked.why),
                "request": safe(_short(asked.request, 400)),
                "done": safe("\n".join(_short(step, 200) for step in asked.done)),
                "would run": safe(asked.tool),
                "arguments": safe(_arguments(asked.arguments))
                if asked.arguments is not None
                else "",
                "options": "\n".join(
                    f"[bold]{safe(name)}[/]: {safe(means)}" for name, means in asked.options
                ),
                "silence": safe(f"by {asked.silent_at:%Y-%m-%d %H:%M} UTC: {asked.silence}"),
                "answer": safe(f"python starter.py approve|reject {run_id} [--reason ...]"),
            }
        )
    ]
    return Panel(
        Group(*body),
        title=f"[bold yellow]{safe(asked.title)}[/]",
        title_align="left",
        border_style="yellow",
    )


def stopped(run_id: str, stop: Stop) -> RenderableType:
    """Return why a run stands still, and what to type."""
    if stop.halted:
        body = facts({"what": safe(stop.reason), "then": safe(stop.hint)})
        title = f"[bold yellow]halted before {safe(stop.step)}[/]"
        return Panel(body, title=title, title_align="left", border_style="yellow")
    body = facts(
        {
            "what": safe(stop.reason),
            "mend": safe(stop.hint),
            "then": safe(f"python starter.py retry|skip|abort {run_id}"),
        }
    )
    title = f"[bold yellow]stopped at {safe(stop.step)}[/]"
    return Panel(body, title=title, title_align="left", border_style="yellow")


def decision(made: Decision) -> str:
    """Return a decision as one line of markup: what, by whom, why."""
    parts = [f"[bold]{safe(made.verdict)}[/] {safe(made.title or made.tool or made.kind)}"]
    if made.by:
        parts.append(f"by {safe(made.by)}")
    if made.reason:
        parts.append(safe(_short(made.reason, 300)))
    return ", ".join(parts)


def line(said: Status) -> str:
    """Return a run's state as one line of plain text."""
    parts = [said.state, f"turn {said.turn}"]
    if said.tool:
        parts.append(said.tool)
    parts.append(f"{said.spend.tokens:,} tokens, {money(str(said.spend.cost_usd))}")
    return " · ".join(parts)


def _short(text: str, limit: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else f"{flat[:limit]} […{len(flat) - limit} more]"


def _arguments(arguments: Mapping[str, Any]) -> str:
    """Return arguments a name a line; a text of several lines as it would be read."""
    return "\n".join(f"{name}: {_value(value)}" for name, value in arguments.items())


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    lines = text.splitlines()
    shown = "\n".join(lines[:_MOST_LINES])[:_MOST]
    left = len(text) - len(shown)
    more = (
        f"\n[…{left:,} more characters: `approvals --json` has them]" if left > _MOST_LINES else ""
    )
    if len(lines) <= 1:
        return shown + more
    return "\n" + "\n".join(f"  {line}" for line in (shown + more).splitlines())
