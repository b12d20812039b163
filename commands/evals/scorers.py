"""Scorers: what a case's run is held against, one a question, each 0 to 1 with its reason.

`outcome`, `fields`, `requirements`, `tools`, `routing`, `approvals`, `effects`, `economy` follow
rules; `judge` asks a model where no rule serves. A case is scored by what it says alone.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic_evals.evaluators import EvaluationReason, Evaluator, EvaluatorContext

from commands.evals import matching
from commands.evals.cases import About, Expected, Inputs, Wanted
from commands.evals.judging import Verdict
from commands.evals.lab import Ran

Context = EvaluatorContext[Inputs, Ran, About]
Scores = Mapping[str, EvaluationReason]
Judge = Callable[[str, str, str], Awaitable[Verdict]]
_OWN = frozenset({"read_artifact"})  # what reads on in a cut result is nobody's choice
_SHOWN = 160


@dataclass(frozen=True)
class Called:
    """A call of the model's own, or of a run's below it."""

    tool: str
    arguments: Mapping[str, Any]


def calls_of(ran: Ran) -> list[Called]:
    """Return every call that was asked for, in order; then what runs below it called."""
    own = [
        Called(call.name, _arguments(call.arguments))
        for step in (ran.story.turns if ran.story else ())
        for call in step.reply.message.calls
    ]
    below = [Called(each.tool, each.arguments) for each in ran.made if each.run_id != ran.run_id]
    return [*own, *below]


def routes_of(ran: Ran) -> list[str]:
    """Return the agents that the work was given to, in order."""
    prefixes = ("ask_", "hand_to_")
    return [
        call.tool.removeprefix(prefix)
        for call in calls_of(ran)
        for prefix in prefixes
        if call.tool.startswith(prefix)
    ]


def scored(ran: Ran, expected: Expected) -> dict[str, tuple[float, str]]:
    """Return what a run scores by the rules, each with the reason where it is not all."""
    found = {"outcome": _outcome(ran, expected)}
    rules: list[tuple[str, bool, Callable[[Ran, Expected], list[tuple[bool, str]]]]] = [
        ("fields", bool(expected.fields), _fields),
        ("requirements", bool(expected.says or expected.never), _requirements),
        (
            "tools",
            bool(expected.tools or expected.never_calls or expected.no_others),
            _tools,
        ),
        ("routing", expected.routed is not None, _routing),
        ("approvals", expected.asks is not None, _approvals),
        ("effects", expected.effects is not None, _effects),
        ("economy", expected.most_steps is not None, _economy),
    ]
    for name, applies, rule in rules:
        if applies:
            found[name] = _share(rule(ran, expected))
    return found


@dataclass(repr=False)
class ByRules(Evaluator[Inputs, Ran, About]):
    """Scores by rules: see `scored`."""

    def evaluate(self, ctx: Context) -> Scores:
        """Return a score for each question that the case asks."""
        expected = _expected(ctx)
        found = scored(ctx.output, expected)
        return {name: EvaluationReason(value, why) for name, (value, why) in found.items()}


@dataclass(repr=False)
class ByJudge(Evaluator[Inputs, Ran, About]):
    """Asks a model whether the answer does what the case's rubric says."""

    judge: Judge

    async def evaluate(self, ctx: Context) -> Scores:
        """Return the judge's verdict; nothing where the case has no rubric."""
        rubric = _expected(ctx).rubric
        if not rubric:
            return {}
        result = ctx.output.result
        if result is None or result.answer is None:
            return {"judge": EvaluationReason(0.0, "there is no answer to judge")}
        task = ctx.inputs.task
        told = task if isinstance(task, str) else json.dumps(task, ensure_ascii=False)
        verdict = await self.judge(rubric, told, matching.text_of(result.answer))
        why = "" if verdict.passes else verdict.reason
        return {"judge": EvaluationReason(float(verdict.passes), why)}


def _expected(ctx: Context) -> Expected:
    return ctx.expected_output if isinstance(ctx.expected_output, Expected) else Expected()


# --- one rule a question: what was looked at, and why it does not hold


def _outcome(ran: Ran, expected: Expected) -> tuple[float, str]:
    if ran.result is None:
        came, why = "failed", ran.failure
    else:
        came, why = ran.result.outcome.value, ran.result.reason
    if came == expected.outcome:
        return 1.0, ""
    return 0.0, f"{came} instead of {expected.outcome}{f': {why}' if why else ''}"


def _answer(ran: Ran) -> Any:
    return ran.result.answer if ran.result else None


def _fields(ran: Ran, expected: Expected) -> list[tuple[bool, str]]:
    answer = _answer(ran)
    if isinstance(answer, str):
        try:
            answer = json.loads(answer)
        except ValueError:
            return [(False, f"{path}: the answer has no fields") for path in expected.fields]
    return [
        (
            matching.matches(found := matching.at(answer, path), wanted),
            f"{path}: {_short(found)} instead of {_short(wanted)}",
        )
        for path, wanted in expected.fields.items()
    ]


def _requirements(ran: Ran, expected: Expected) -> list[tuple[bool, str]]:
    text = matching.text_of(_answer(ran) or "")
    says = [(matching.has(text, words), f"does not say {words!r}") for words in expected.says]
    never = [(not matching.has(text, words), f"says {words!r}") for words in expected.never]
    return [*says, *never]


def _tools(ran: Ran, expected: Expected) -> list[tuple[bool, str]]:
    made = [call for call in calls_of(ran) if call.tool not in _OWN]
    found = _wanted(expected.tools, made, in_order=expected.in_order)
    never = [
        (all(call.tool != tool for call in made), f"{tool} was called")
        for tool in expected.never_calls
    ]
    if expected.no_others:
        named = {wanted.tool for wanted in expected.tools}
        other = sorted({call.tool for call in made} - named)
        never.append((not other, f"{', '.join(other)} was called as well"))
    return [*found, *never]


def _wanted(
    wanted: Sequence[Wanted], made: Sequence[Called], *, in_order: bool
) -> list[tuple[bool, str]]:
    left, found = list(made), list[tuple[bool, str]]()
    for each in wanted:
        at = next(
            (i for i, call in enumerate(left) if call.tool == each.tool
             and matching.fits(call.arguments, each.arguments)),
            None,
        )  # fmt: skip
        shown = f"{each.tool} {_short(each.arguments) if each.arguments else ''}".strip()
        found.append((at is not None, f"{shown} was not called{' then' if in_order else ''}"))
        if at is not None:
            left = left[at + 1 :] if in_order else [*left[:at], *left[at + 1 :]]
    return found


def _routing(ran: Ran, expected: Expected) -> list[tuple[bool, str]]:
    came, wanted = routes_of(ran), list(expected.routed or ())
    return [(came == wanted, f"given to {came or 'nobody'}, not to {wanted or 'nobody'}")]


def _approvals(ran: Ran, expected: Expected) -> list[tuple[bool, str]]:
    came = [asked.tool or asked.kind for asked in ran.asked]
    wanted = list(expected.asks or ())
    return [(came == wanted, f"people were asked about {came or 'nothing'}, not {wanted}")]


def _effects(ran: Ran, expected: Expected) -> list[tuple[bool, str]]:
    done = [Called(each.tool, each.arguments) for each in ran.made if each.write]
    found = _wanted(expected.effects or (), done, in_order=False)
    more = len(done) - sum(holds for holds, _ in found)
    tools = ", ".join(call.tool for call in done)
    return [*found, (more == 0, f"{more} effects too many, of {tools}")]


def _economy(ran: Ran, expected: Expected) -> list[tuple[bool, str]]:
    turns = ran.result.turns if ran.result else 0
    most = expected.most_steps or 0
    return [(turns <= most, f"{turns} model calls; {most} are enough")]


# --- how it is put


def _share(looked: Iterable[tuple[bool, str]]) -> tuple[float, str]:
    all_of = list(looked)
    wrong = [why for holds, why in all_of if not holds]
    return 1 - len(wrong) / max(1, len(all_of)), "; ".join(wrong)


def _short(value: Any) -> str:
    if isinstance(value, str | int | float | bool | list | dict | tuple) or value is None:
        text = json.dumps(value, ensure_ascii=False, default=str)
    else:
        text = "nothing"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _arguments(text: str) -> dict[str, Any]:
    try:
        found: Any = json.loads(text or "{}")
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
