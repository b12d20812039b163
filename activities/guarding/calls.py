"""What the calls of a turn would send out or touch, by the agent's guardrails."""

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from activities.guarding.leaving import cleared
from agents.toolkit import Agent, Touched
from domain.contract import strict_json
from domain.guard import Asker, Guarded, GuardPolicy
from domain.verdicts import CheckCallsRequest, Verdicts

_HINT = "use what belongs to whoever asked for this, or say that it may not be touched"


def leaving(request: CheckCallsRequest, verdicts: Verdicts, own: Sequence[str]) -> Verdicts:
    """Add to the verdicts what the writes among the calls would let out."""
    guards = request.guards
    if guards is None or guards.secrets == guards.personal == "off":
        return verdicts
    writes = {tool.name for tool in request.tools if tool.writes}
    guarded, without = dict(verdicts.guarded), dict(verdicts.arguments)
    for call in request.calls:
        if call.name not in writes or call.id in verdicts.refused:
            continue
        found, held = cleared(strict_json(call.arguments or "{}"), guards, own)
        if held:
            guarded[call.id] = (*guarded.get(call.id, ()), *held)
        if any(each.removed for each in held):
            without[call.id] = json.dumps(found, ensure_ascii=False)
    return _with(verdicts, guarded, without) if guarded else verdicts


async def touching(
    request: CheckCallsRequest, verdicts: Verdicts, agents: Mapping[str, Agent]
) -> Verdicts:
    """Add to the verdicts which calls touch what the requester may not."""
    guards, asker = request.guards, request.asked_by
    if guards is None or asker is None or not guards.identifiers:
        return verdicts
    guarded = dict(verdicts.guarded)
    for call in request.calls:
        if call.id in verdicts.refused:
            continue
        arguments = cast("dict[str, Any]", strict_json(call.arguments or "{}"))
        wrong = await forbidden(agents, asker, guards, tool=call.name, arguments=arguments)
        if wrong:
            told = Guarded(by="identifiers", refuse=wrong, hint=_HINT)
            guarded[call.id] = (*guarded.get(call.id, ()), told)
    return _with(verdicts, guarded, verdicts.arguments) if guarded else verdicts


async def forbidden(
    agents: Mapping[str, Agent],
    asker: Asker,
    guards: GuardPolicy,
    *,
    tool: str = "",
    arguments: dict[str, Any] | None = None,
) -> str:
    """Return what the requester may not touch, by the agent's checks; one that breaks forbids.

    Args:
        agents: Those that are served.
        asker: Who asks.
        guards: Names the checks.
        tool: The tool that is called; empty for the task and the data.
        arguments: Of the call.
    """
    agent = agents.get(asker.agent)
    named = {check.__name__: check for check in agent.identifiers} if agent else {}
    touched = Touched(
        task=asker.task,
        data=asker.data,
        tenant=asker.tenant,
        by=asker.by,
        tool=tool,
        arguments=arguments or {},
    )
    found: list[str] = []
    for name in guards.identifiers:
        if name not in named:
            found.append(f"check {name!r} is not deployed, so nothing may be touched")
            continue
        try:
            said = named[name](touched)
            found.extend(await said if inspect.isawaitable(said) else said)
        except Exception as error:  # noqa: BLE001 - an agent's own code; what it guards stays shut
            found.append(f"check {name!r} broke: {type(error).__name__}: {str(error)[:300]}")
    return "; ".join(found)


def _with(
    verdicts: Verdicts, guarded: Mapping[str, tuple[Guarded, ...]], arguments: Mapping[str, str]
) -> Verdicts:
    more: dict[str, Any] = {"guarded": dict(guarded)}
    if arguments:
        more["arguments"] = dict(arguments)
    return verdicts.model_copy(update=more)
