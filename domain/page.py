"""What a run shows on its page in the Temporal UI: Markdown, with everything foreign escaped."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.approval import Question
from domain.budget import Limits, Spend
from domain.run import Stop

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~&])")
_MOST = 1_500


def escape(text: str, limit: int = _MOST) -> str:
    """Return `text` so that Markdown shows it and does not obey it, cut to `limit`."""
    cut = text if len(text) <= limit else f"{text[:limit]} […{len(text) - limit} more]"
    return _SPECIAL.sub(r"\\\1", " ".join(cut.split()))


def code(value: Any, limit: int = 4_000) -> str:
    """Return `value` as a fenced block that its content cannot close."""
    return _fenced(json.dumps(value, indent=2, ensure_ascii=False, default=str), "json", limit)


def _fenced(text: str, kind: str, limit: int) -> str:
    if len(text) > limit:
        text = f"{text[:limit]}\n[…{len(text) - limit} more characters; the event has the whole]"
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{kind}\n{text}\n{fence}"


def overview(
    *, title: str, state: str, spend: Spend, limits: Limits | None, plan: Sequence[str]
) -> str:
    """Return the part of the page that is always there."""
    lines = [f"### {escape(title)}: {state}", "", _spend(spend, limits)]
    if plan:
        lines += ["", "**Plan**", *(f"{n}. {escape(step)}" for n, step in enumerate(plan, 1))]
    return "\n".join(lines)


def _spend(spend: Spend, limits: Limits | None) -> str:
    if limits is None:
        return f"{spend.steps} model calls, {spend.tokens} tokens, {spend.cost_usd:.4f} USD"
    return (
        f"{spend.steps} of {limits.steps} model calls, {spend.tokens:,} of {limits.tokens:,} "
        f"tokens, {spend.cost_usd:.4f} of {limits.cost_usd} USD"
    )


def question(asked: Question) -> str:
    """Return the form that a person reads before they answer."""
    lines = [
        f"#### Decision needed: {escape(asked.title)}",
        f"**Why you are asked:** {escape(asked.why)}",
    ]
    if asked.request:
        lines += ["", f"**The request:** {escape(asked.request, 600)}"]
    if asked.done:
        lines += ["", "**Done so far**", *(f"- {escape(step, 300)}" for step in asked.done)]
    if asked.arguments is not None:
        lines += ["", f"**What would run:** {escape(asked.tool or asked.kind)}"]
        lines += _arguments(asked.arguments)
    lines += ["", "**Your options** (More Actions, Send a Signal)"]
    lines += [f"- `{name}`: {escape(means)}" for name, means in asked.options]
    lines += ["", f"Without an answer by {_when(asked.silent_at)}: {escape(asked.silence)}."]
    lines += [f"Approval id `{asked.id}` (may be left out while one question is open)."]
    return "\n".join(lines)


def _arguments(arguments: dict[str, Any]) -> list[str]:
    """Return the arguments, those of several lines each in a block of its own."""
    long = {
        name: value for name, value in arguments.items() if isinstance(value, str) and "\n" in value
    }
    short = {name: value for name, value in arguments.items() if name not in long}
    lines = [code(short)] if short or not long else []
    for name, value in long.items():
        lines += ["", f"**{escape(name)}**", _fenced(value, "text", 12_000)]
    return lines


def stop(stopped: Stop, ways: Sequence[str], until: datetime) -> str:
    """Return why the run stands still and what a person can send."""
    return "\n".join(
        [
            f"#### Stopped at {escape(stopped.step)}",
            f"**What went wrong:** {escape(stopped.reason)}",
            f"**What to do:** {escape(stopped.hint)}",
            f"**Signals:** {', '.join(f'`{way}`' for way in ways)}",
            f"Without one by {_when(until)} the run fails with its summary.",
        ]
    )


def _when(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
