"""How two runs look side by side: on a terminal, and for a machine."""

from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from agents.auditor.wording import duration
from commands import console, views
from commands.comparison import Comparison, Figure, Pair
from commands.console import safe
from commands.pages.timeline import ShownTurn
from commands.sides import Side

_MOST: Final = 40
_WORDS: Final = {
    "same": "[green]=[/]",
    "result": "[yellow]≠ result[/]",
    "other": "[yellow]≠[/]",
    "only": "[yellow]one side[/]",
}


# --- as it looks


def drawn(found: Comparison) -> RenderableType:
    """Return what differs, for a terminal."""
    parts: list[RenderableType] = [_figures(found)]
    if found.kinship:
        parts.append(Text(found.kinship, style="dim"))
    parts += ["", *_answers(found)]
    if found.pairs:
        parts += ["", *_turns(found)]
    if any(a != b for _, a, b in found.tools):
        parts += ["", _tools(found)]
    for name, side in (("A", found.a), ("B", found.b)):
        if side.decisions:
            made = "\n".join(views.decision(each) for each in side.decisions)
            parts += ["", Text.from_markup(f"[bold]decisions of {name}[/]\n{made}")]
    return Group(*parts)


def _figures(found: Comparison) -> RenderableType:
    table = console.table("", "A", "B", "B against A", right=("A", "B", "B against A"))
    table.add_row("[dim]run[/]", safe(found.a.run.run_id), safe(found.b.run.run_id), "")
    table.add_row("[dim]outcome[/]", _outcome(found.a), _outcome(found.b), "")
    for each in found.figures:
        if each.a or each.b:
            table.add_row(
                f"[dim]{each.name}[/]", shown(each, each.a), shown(each, each.b), _by(each)
            )
    return table


def _outcome(side: Side) -> str:
    return views.state(side.outcome)


def shown(figure: Figure, amount: Any) -> str:
    """Return an amount with its unit."""
    if figure.unit == "usd":
        return views.money(str(amount))
    return duration(float(amount)) if figure.unit == "s" else f"{int(amount):,}"


def _by(figure: Figure) -> str:
    if figure.a == figure.b:
        return "[dim]=[/]"
    return f"{figure.change:+.0%}" if figure.change is not None else "new"


def _answers(found: Comparison) -> list[RenderableType]:
    differing = found.differing
    if not found.fields:
        return [Text("neither has an answer to compare", style="dim")]
    if not differing:
        return [Text.from_markup("[green]the same answer[/]")]
    table = console.table("field", "A", "B")
    for each in differing[:_MOST]:
        table.add_row(safe(each.path), _value(each.a), _value(each.b))
    head = f"[bold]{len(differing)} of {len(found.fields)} fields differ[/]"
    return [Text.from_markup(head), table]


def _value(text: str | None) -> str:
    if text is None:
        return "[dim]-[/]"
    return safe(_short(text, 300))


def _turns(found: Comparison) -> list[RenderableType]:
    turns = f"{found.common} turn{'s' if found.common != 1 else ''}"
    head = f"[green]all {turns} alike[/]"
    if found.diverged:
        head = f"[bold]alike: {turns}[/]; [yellow]{safe(found.diverged)}[/]"
    rest = found.pairs[found.common :]
    if not rest:
        return [Text.from_markup(head)]
    table = console.table("A", "", "B")
    for pair in rest[:_MOST]:
        table.add_row(_turn(pair.a), _WORDS[pair.how], _turn(pair.b))
    more = len(rest) - _MOST
    tail = [Text(f"… and {more} more: --html and --json have them all", style="dim")]
    return [Text.from_markup(head), table, *(tail if more > 0 else [])]


def _turn(turn: ShownTurn | None) -> str:
    if turn is None:
        return ""
    if not turn.calls:
        return f"[dim]{turn.number}[/] {safe(_short(turn.text, 90))}"
    calls = ", ".join(f"{call.name} {_short(call.arguments, 60)}" for call in turn.calls)
    return f"[dim]{turn.number}[/] {safe(calls)}"


def _tools(found: Comparison) -> RenderableType:
    table = console.table("called", "A", "B", right=("A", "B"))
    for name, a, b in found.tools:
        if a != b:
            table.add_row(safe(name), f"{a:,}", f"{b:,}")
    return table


def _short(text: str, most: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"


# --- for a machine


def as_json(found: Comparison) -> dict[str, Any]:
    """Return what differs, as JSON types."""
    return {
        "a": _side(found.a),
        "b": _side(found.b),
        "kinship": found.kinship,
        "figures": [
            {"name": each.name, "a": float(each.a), "b": float(each.b), "change": each.change}
            for each in found.figures
        ],
        "fields": [{**each._asdict(), "same": each.same} for each in found.fields],
        "common_turns": found.common,
        "diverged": found.diverged or None,
        "turns": [_pair(each) for each in found.pairs],
        "tools": [{"name": name, "a": a, "b": b} for name, a, b in found.tools],
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "run_id": side.run.run_id,
        "kind": side.kind,
        "agent": side.run.agent,
        "outcome": side.outcome,
        "reason": side.reason,
        "forked_from": side.forked_from or None,
        "spend": console.plain(side.spend),
        "decisions": [console.plain(each) for each in side.decisions],
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {"how": pair.how, "a": _told(pair.a), "b": _told(pair.b)}


def _told(turn: ShownTurn | None) -> dict[str, Any] | None:
    if turn is None:
        return None
    calls = [
        {"name": call.name, "arguments": call.arguments, "result": call.result}
        for call in turn.calls
    ]
    return {
        "number": turn.number,
        "text": turn.text,
        "calls": calls,
        "tokens": turn.tokens,
        "cost_usd": float(turn.cost_usd),
    }
