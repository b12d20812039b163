"""What a run shows on its page in the Temporal UI: Markdown, with everything foreign escaped.

The UI renders GitHub's dialect plus formulas, quotes and fractions, gives no style to it, and
does not wrap code. So a list stands behind an empty line, and long lines of code are broken here.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.approval import Question
from domain.budget import Limits, Spend
from domain.column import WIDTH, laid_out
from domain.run import Stop

_ACTIVE = re.compile(r"[\\`*\[\]<>|~$^&!]|(?<!\w)_+|_+(?!\w)|(?<=\w)://|(?<=\bwww)\.")
_BULLET = re.compile(r"^(?:[#\-+=\s]|\d+[.)](?=\s))+")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~&$^])")
_LINK = re.compile(r"(?<=\w)://")
_FRACTION = re.compile(r"(?<=\d)/(?=\d)")
_JSON = re.compile(r"\{.*\}")
_TYPE = re.compile(r"^(?:[A-Z][a-z]+){2,}(?<!Error): ")
_TICKS = re.compile(r"`+")

_MOST = 1_500
_MOST_JSON = 4_000
_MOST_TEXT = 12_000
_MOST_COPIED = 500
_UNLIMITED = 10**9

_STATES = {
    "INTAKE": "begins",
    "VALIDATING": "checks its input",
    "PLANNING": "plans",
    "EXECUTING": "works",
    "REVIEWING": "checks what it came to",
    "REVISING": "does it better",
    "PENDING_APPROVAL": "waits for a decision",
    "STOPPED": "stopped, waits for a person",
    "COMPLETE": "complete",
    "REJECTED": "ended, rejected",
    "FAILED": "failed",
}
_SUBJECTS = {
    "plan": "The plan",
    "answer": "The answer",
    "finding": "The finding",
    "in_doubt": "What may have run",
    "task": "The fields of its output, if you give it",
    "no_plan": "The tasks as they were declared",
    "fields": "The unsure fields",
    "budget": "What it may use more",
}
_STEPS = {"llm.think": "asking the model"}
_WAYS = {
    "retry": "the step is tried again; send it once the cause is mended",
    "skip": "the run goes on without the step, and the model is told the error",
    "abort": "the run ends here; what it wrote is undone where that is possible",
}
_HALTED_WAYS = {
    "retry": "the step is tried again; it is held back for as long as the halt stands",
    "abort": "the run ends; what it wrote is undone once the halt is lifted",
}
_SEND = "Choose one under **More Actions, Send a Signal**"
# The UI's frame is 33 pixels shorter than what it shows: without this, the last line is cut.
_FOOT = "&nbsp;"
_NAMED = "An answer that names it (`approval_id`) counts for this question only."


# --- foreign text


def escape(text: str, limit: int = _MOST) -> str:
    """Return `text` on one line, so that Markdown shows it and does not obey it, cut to `limit`."""
    cut = text if len(text) <= limit else f"{text[:limit]} […{len(text) - limit} more]"
    safe = _SPECIAL.sub(r"\\\1", _visible(" ".join(cut.split())))
    # Renderers make a link of what looks like one, and a fraction of 1/2.
    return _FRACTION.sub("&#47;", _LINK.sub(r"\://", safe))


def plain(text: str, limit: int = _MOST) -> str:
    """Return `text` on one line with nothing in it that Markdown acts on, cut to `limit`.

    For what is shown as Markdown in one place and as it stands in another: a run's summary.
    """
    flat = " ".join(_ACTIVE.sub(" ", _visible(" ".join(text.split()))).split())
    words = _BULLET.sub("", flat)
    return words if len(words) <= limit else f"{words[: limit - 1]}…"


def inline(text: str, limit: int = _MOST) -> str:
    """Return `text` on one line as code that its content cannot close, cut to `limit`."""
    cut = text if len(text) <= limit else f"{text[:limit]} […{len(text) - limit} more]"
    flat = _visible(" ".join(cut.split()))
    ticks = "`" * (_longest_ticks(flat) + 1)
    space = " " if len(ticks) > 1 else ""
    return f"{ticks}{space}{flat or ' '}{space}{ticks}"


def code(value: Any, limit: int = _MOST_JSON) -> str:
    """Return `value` as a fenced block that its content cannot close."""
    written = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return _fenced(_visible(written, "\\u{:04x}"), "json", limit)


def _visible(text: str, written: str = "[U+{:04X}]") -> str:
    """Return `text` with the characters spelled out that are not seen, or turn others round."""
    if text.isprintable():
        return text
    return "".join(
        char
        if char.isprintable() or char in "\n\t" or unicodedata.category(char) == "Zs"
        else written.format(ord(char))
        for char in text
    )


def _longest_ticks(text: str) -> int:
    return max((len(run) for run in _TICKS.findall(text)), default=0)


def _fenced(text: str, kind: str, limit: int) -> str:
    shown = laid_out(text[:limit])
    if len(text) > limit:
        shown += f"\n[… {len(text) - limit:,} more characters: see Queries, status]"
    fence = "`" * max(3, _longest_ticks(shown) + 1)
    return f"{fence}{kind}\n{shown}\n{fence}"


# --- what is always there


def overview(
    *, title: str, state: str, spend: Spend, limits: Limits | None, plan: Sequence[str]
) -> str:
    """Return the part of the page that is always there."""
    means = _STATES.get(state, "")
    shown = f"**{means.capitalize()}** ({escape(state)})" if means else f"**{escape(state)}**"
    lines = [f"### {escape(title)}", f"{shown}: {_spend(spend, limits)}"]
    if plan:
        lines += ["**Plan**", _listed("1.", [escape(step) for step in plan])]
    return _joined(lines)


def _spend(spend: Spend, limits: Limits | None) -> str:
    steps, tokens, cost = f"{spend.steps:,}", f"{spend.tokens:,}", f"{spend.cost_usd:.4f}"
    if limits is not None:
        steps += f" of {limits.steps:,}" if limits.steps < _UNLIMITED else ""
        tokens += f" of {limits.tokens:,}" if limits.tokens < _UNLIMITED else ""
        cost += f" of {limits.cost_usd:,.2f}" if limits.cost_usd < _UNLIMITED else ""
    return f"{steps} model calls, {tokens} tokens, {cost} USD"


# --- what a person is asked


def question(asked: Question) -> str:
    """Return the form that a person reads before they answer."""
    lines = [
        f"### Decision needed: {escape(asked.title)}",
        f"**Why you are asked:** {escape(asked.why)}",
    ]
    if asked.request:
        lines += [f"**The request:** {escape(asked.request, 600)}"]
    if asked.done:
        done = "Evidence" if asked.kind == "finding" else "What the model called so far"
        lines += [f"**{done}**", _listed("-", [inline(step, 300) for step in asked.done])]
    short, long = _split(asked.arguments or {})
    if asked.arguments is not None:
        lines += _subject(asked, short, long)
    lines += ["**Your options**", _options(asked), _how(asked)]
    for name, value in long.items():
        lines += [f"**{escape(name)}**", _fenced(_visible(value), "text", _MOST_TEXT)]
    return _joined([*lines, _FOOT])


def _split(arguments: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the arguments that fit on a line of JSON, and the texts that do not."""
    long = {
        name: value
        for name, value in arguments.items()
        if isinstance(value, str) and ("\n" in value or len(value) > WIDTH)
    }
    return {name: value for name, value in arguments.items() if name not in long}, long


def _subject(asked: Question, short: dict[str, Any], long: dict[str, str]) -> list[str]:
    """Return what is decided on: exactly what an approval lets run."""
    what = _SUBJECTS.get(asked.kind, "What would run")
    named = f" {inline(asked.tool)}" if asked.tool and asked.tool != asked.kind else ""
    lines = [f"**{what}:**{named}"]
    lines += [code(short)] if short or not long else []
    for name, value in long.items():
        lines += [f"{inline(name)}: {len(value):,} characters, shown below the options"]
    return lines


def _options(asked: Question) -> str:
    return _listed("-", [f"`{name}`: {_meaning(means)}" for name, means in asked.options])


def _meaning(text: str) -> str:
    """Return an option's meaning; JSON in it stays as it has to be typed."""
    found = _JSON.search(text)
    if found is None:
        return escape(text)
    before, after = text[: found.start()], text[found.end() :]
    return f"{escape(before)} {inline(found[0])}{escape(after)}"


def _with_code(text: str) -> str:
    """Return `text` escaped, what stands between backticks in it as code."""
    parts = re.split(r"(\s*`[^`]*`\s*)", text)
    return "".join(_as_code(part) if at % 2 else escape(part) for at, part in enumerate(parts))


def _as_code(part: str) -> str:
    """Return code between backticks with a space where there was one."""
    before, after = part[:1].isspace() * " ", part[-1:].isspace() * " "
    return f"{before}{inline(part.strip().strip('`'))}{after}"


def _how(asked: Question) -> str:
    answer = '`{"reason": "…", "by": "your name"}`'
    return _joined(
        [
            f"{_SEND}. The payload may stay empty, or be one JSON object: {answer}.",
            *_to_change(asked),
            f"Without an answer by {_when(asked.silent_at)}, {escape(asked.silence)}.",
            f"Asked {_when(asked.asked_at)}, approval id `{asked.id}`. {_NAMED}",
        ]
    )


def _to_change(asked: Question) -> list[str]:
    """Return what `modify` takes, ready to be copied where it is short."""
    if asked.arguments is None or "modify" not in dict(asked.options):
        return []
    typed = json.dumps({"arguments": asked.arguments}, ensure_ascii=False, default=str)
    shown = _visible(typed, "\\u{:04x}")
    if len(shown) > _MOST_COPIED:
        return ["`modify` takes all arguments, the changed and the unchanged ones."]
    return [f"To change something, send `modify` with all arguments: {inline(shown)}"]


def stop(stopped: Stop, ways: Sequence[str], until: datetime) -> str:
    """Return why the run stands still and what a person can send."""
    step = _STEPS.get(stopped.step)
    where = f"{step} ({escape(stopped.step)})" if step else escape(stopped.step)
    if stopped.halted:
        return _halted(stopped, where, ways, until)
    return _joined(
        [
            f"### Stopped at: {where}",
            f"**What went wrong:** {escape(_TYPE.sub('', stopped.reason))}",
            f"**What to do:** {escape(stopped.hint)}",
            "**Your options**",
            _listed("-", [f"`{way}`: {escape(_WAYS.get(way, way))}" for way in ways]),
            f"{_SEND}; the payload may stay empty.",
            f"Stopped {_when(stopped.at)}. Without a signal by {_when(until)} the run fails.",
            _FOOT,
        ]
    )


def _halted(stopped: Stop, where: str, ways: Sequence[str], until: datetime) -> str:
    """Return who stopped the run from outside, why, and how it goes on."""
    return _joined(
        [
            f"### Halted before: {where}",
            f"**By whom, and why:** {escape(stopped.reason)}",
            f"**What to do:** {_with_code(stopped.hint)}",
            "**Your options**",
            _listed("-", [f"`{way}`: {escape(_HALTED_WAYS.get(way, way))}" for way in ways]),
            f"{_SEND}; the payload may stay empty.",
            f"Halted {_when(stopped.at)}. Still halted on {_when(until)}, the run fails.",
            _FOOT,
        ]
    )


# --- Markdown


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(parts)


def _listed(mark: str, items: Sequence[str]) -> str:
    return "\n".join(f"{mark} {item}" for item in items)


def _when(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
