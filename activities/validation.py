"""Checks between a model and the world: what it proposes, what comes back, what it answers.

All are rules over values, milliseconds each, and run as local activities.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

from jsonschema import Draft202012Validator
from pydantic import ValidationError
from temporalio import activity

from activities.guarding.calls import leaving, touching
from activities.guarding.coming import suspicion
from activities.guarding.detect import look
from activities.guarding.leaving import cleared_text
from agents.toolkit import Agent, AnswerToCheck
from domain.contract import canonical, strict_json
from domain.loops import meant, withheld
from domain.messages import ToolCall
from domain.plan import Plan, problems
from domain.sameness import said, wanted
from domain.taint import unmarked
from domain.tools import ToolSpec
from domain.verdicts import (
    AnswerVerdict,
    CheckAnswerRequest,
    CheckCallsRequest,
    CheckPlanRequest,
    CheckResultsRequest,
    Verdicts,
)

_In = TypeVar("_In")
_Out = TypeVar("_Out")

MAX_ARGUMENTS = 1_000_000  # characters; a report to be filed is an argument too
_INLINE = 4_000  # bytes; below it a thread's hand-over costs more than the check
_MOST_PROBLEMS = 5
_MOST_HEAD = 2_000  # characters of a page, in which its title stands
_ERROR_PAGE = re.compile(
    r"<(?:title|h1)>[^<]{0,80}\b(?:[45]\d\d|error|bad gateway|unavailable|forbidden|not found)\b",
    re.IGNORECASE,
)


def addresses(text: str) -> bool:
    """Whether a text speaks to the model that reads it, as an injected instruction does."""
    return look(text).suspicious


class ValidationActivities:
    """The checks of one turn. Idempotent: they look at values and change nothing."""

    def __init__(self, agents: Mapping[str, Agent], secrets: Sequence[str] = ()) -> None:
        """Check by the rules of `agents`; nobody may say one of our own `secrets`."""
        self._agents = agents
        self._secrets = secrets

    @activity.defn(name="check.calls")
    async def check_calls(self, request: CheckCallsRequest) -> Verdicts:
        """Refuse calls that could not run: unknown tool, no JSON, arguments that do not fit."""
        size = sum(len(call.arguments) for call in request.calls)
        verdicts = await _off_loop(size, self._check_calls, request)
        return await touching(request, verdicts, self._agents)

    @activity.defn(name="check.results")
    async def check_results(self, request: CheckResultsRequest) -> Verdicts:
        """Flag results that address the model; refuse an error page in place of data."""
        size = sum(len(text) for text in request.results.values())
        return await _off_loop(size, _check_results, request)

    @activity.defn(name="check.plan")
    async def check_plan(self, request: CheckPlanRequest) -> AnswerVerdict:
        """Say what is wrong with a plan."""
        try:
            plan = Plan.model_validate_json(request.text)
        except ValidationError as error:
            return AnswerVerdict(problems=_sentences(error))
        found = problems(plan, frozenset(request.tools), request.steps_left)
        return AnswerVerdict(problems=found)

    @activity.defn(name="check.answer")
    async def check_answer(self, request: CheckAnswerRequest) -> AnswerVerdict:
        """Say what is wrong with an answer: its schema first, then the agent's rules."""
        return await asyncio.to_thread(self._guarded_answer, request)

    def _check_calls(self, request: CheckCallsRequest) -> Verdicts:
        return leaving(request, _check_calls(request), self._secrets)

    def _guarded_answer(self, request: CheckAnswerRequest) -> AnswerVerdict:
        verdict = self._check_answer(request)
        if request.guards is None or verdict.problems:
            return verdict
        text, held = cleared_text(request.text, request.guards, self._secrets)
        if not held:
            return verdict
        instead = text if text != request.text else ""
        return verdict.model_copy(update={"guarded": tuple(held), "instead": instead})

    def _check_answer(self, request: CheckAnswerRequest) -> AnswerVerdict:
        if not request.text.strip():
            return AnswerVerdict(problems=("the answer is empty",))
        agent = self._agents.get(request.agent)
        if request.answer_schema is None:
            return AnswerVerdict(problems=self._rules(agent, request, request.text))
        try:
            answer = strict_json(request.text)
        except ValueError as error:
            return AnswerVerdict(problems=(f"the answer is not JSON: {error}",))
        if wrong := _schema_problems(request.answer_schema, answer):
            return AnswerVerdict(problems=wrong)
        confidence = _confidence(answer)
        if request.typed and agent is not None and agent.answer is not None:
            try:
                answer = agent.answer.model_validate(answer)
            except ValidationError as error:
                return AnswerVerdict(problems=_sentences(error))
        return AnswerVerdict(problems=self._rules(agent, request, answer), confidence=confidence)

    def _rules(
        self, agent: Agent | None, request: CheckAnswerRequest, answer: Any
    ) -> tuple[str, ...]:
        """Run the rules that the run was started with; one that is gone is a problem."""
        named = {check.__name__: check for check in agent.checks} if agent else {}
        material = AnswerToCheck(answer=answer, task=request.task, made=request.made)
        found: list[str] = []
        for name in request.checks:
            if name not in named:
                found.append(f"rule {name!r} is not deployed; the answer cannot be checked")
                continue
            try:
                found.extend(named[name](material))
            except Exception as error:  # noqa: BLE001 - an agent's own code; a person is asked
                found.append(f"rule {name!r} broke: {type(error).__name__}: {str(error)[:300]}")
        return tuple(found)


async def _off_loop(size: int, check: Callable[[_In], _Out], request: _In) -> _Out:
    if size < _INLINE:
        return check(request)
    return await asyncio.to_thread(check, request)


def _check_calls(request: CheckCallsRequest) -> Verdicts:
    tools = {tool.name: tool for tool in request.tools}
    refused: dict[str, str] = {}
    seen: set[str] = set()
    for call in request.calls:
        reason = _refusal(call, tools, request.forbid)
        if call.id in seen:
            reason = f"two calls have the id {call.id!r}"
        seen.add(call.id)
        if reason:
            refused[call.id] = reason
    return Verdicts(refused=refused) if refused else Verdicts()


def _refusal(call: ToolCall, tools: Mapping[str, ToolSpec], forbid: tuple[str, ...]) -> str:
    tool = tools.get(call.name)
    if tool is None:
        return f"there is no tool {call.name!r}; the tools are {sorted(tools)}"
    if len(call.arguments) > MAX_ARGUMENTS:
        return f"the arguments have {len(call.arguments)} characters; {MAX_ARGUMENTS} are allowed"
    try:
        arguments = strict_json(call.arguments or "{}")
    except ValueError as error:
        return f"the arguments are not JSON: {error}"
    if not isinstance(arguments, dict):
        return f"the arguments must be a JSON object, not {type(arguments).__name__}"
    if forbid and _is_withheld(tool, cast("dict[str, Any]", arguments), forbid):
        return "this call was repeated without any gain and is withheld; try another way"
    wrong = _schema_problems(tool.parameters, arguments)
    return f"arguments of {call.name!r}: {'; '.join(wrong)}" if wrong else ""


def _is_withheld(tool: ToolSpec, arguments: dict[str, Any], forbid: tuple[str, ...]) -> bool:
    alike = wanted(tool.name, arguments, writes=tool.writes).alike
    return withheld(tool.name, arguments) in forbid or meant(alike) in forbid


def _check_results(request: CheckResultsRequest) -> Verdicts:
    refused: dict[str, str] = {}
    flagged: dict[str, str] = {}
    withheld: dict[str, str] = {}
    for call_id, text in request.results.items():
        if _is_error_page(text):
            refused[call_id] = "the tool returned a web page in place of its result"
            continue
        reason, held = suspicion(request, call_id)
        if reason:
            (withheld if held else flagged)[call_id] = reason
    compared = {
        call_id: said(request.results[call_id], asked) for call_id, asked in request.asked.items()
    }
    named: dict[str, Any] = {
        "refused": refused,
        "flagged": flagged,
        "withheld": withheld,
        "said": compared,
    }
    return Verdicts(**{name: found for name, found in named.items() if found})


def _is_error_page(text: str) -> bool:
    """Whether a result is a web page in its place; strangers' pages may be what was asked for."""
    inside = unmarked(text)
    if not inside.lstrip()[:200].lower().startswith(("<!doctype html", "<html")):
        return False
    return inside == text or _ERROR_PAGE.search(inside[:_MOST_HEAD]) is not None


@lru_cache(maxsize=512)
def _validator(schema: bytes) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema))


def _schema_problems(schema: Mapping[str, Any], value: Any) -> tuple[str, ...]:
    found: list[str] = []
    validator = _validator(canonical(schema))
    for error in validator.iter_errors(value):  # pyright: ignore[reportUnknownMemberType]
        where = "/".join(str(part) for part in error.absolute_path) or "top level"
        found.append(f"{where}: {error.message[:300]}")
        if len(found) == _MOST_PROBLEMS:
            break
    return tuple(found)


def _sentences(error: ValidationError) -> tuple[str, ...]:
    return tuple(
        f"{'/'.join(str(part) for part in item['loc']) or 'top level'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)[:_MOST_PROBLEMS]
    )


def _confidence(answer: Any) -> float | None:
    fields = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
    stated = fields.get("confidence")
    return float(stated) if isinstance(stated, int | float) else None
