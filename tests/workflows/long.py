"""Runs that are longer than their window: agents, and models that summarise for them."""

import json
import re
from collections.abc import Callable
from typing import Any

from agents.asides import summary
from agents.logbook import offline
from agents.offline import Conversation, Reply, Result, Said
from commands import history, verify
from commands.trail import Trail
from domain.window import WindowPolicy
from tests.fakes import Asked, Say, Step, call, calls
from tests.workflows.stage import Handle, Stage

_FOUND = re.compile(r"value of (\d+)")
SMALL = WindowPolicy(messages=6, keep=2)


def numbers(asked: Asked) -> list[str]:
    """Return the labels that a summary's index gives: m2, m3, …."""
    return [line.split()[0] for line in asked.said.splitlines() if line.startswith("m")]


def update(asked: Asked, *facts: str, **more: Any) -> Say:
    """Return a summary of `facts`, each said by the first message that is folded."""
    source = numbers(asked)[0]
    return Say(json.dumps({"facts": [{"text": t, "source": source} for t in facts]} | more))


def counting(last: int, summarise: Callable[[Asked], Step] = update) -> Callable[[Asked], Step]:
    """Return a model that looks up 0, 1, … `last`, one a turn, and then says what it is shown."""

    def script(asked: Asked) -> Step:
        if asked.purpose == "summary":
            return summarise(asked)
        found = max((int(n) for n in _FOUND.findall("\n".join(asked.results))), default=-1)
        return "done" if found == last else call("lookup", key=str(found + 1))

    return script


def stand_in(asked: Asked) -> Step:
    """Answer as the logbook agent's offline rules do, and summarise as all agents' do."""
    names = {each.id: each for message in asked.messages for each in message.calls}
    results = [
        Result(names[m.call_id].name, json.loads(names[m.call_id].arguments), m.text)
        for m in asked.messages
        if m.role == "tool" and m.call_id in names
    ]
    conversation = Conversation(
        task=asked.messages[0].text,
        results=results,
        messages=[Said(message.role, message.text) for message in asked.messages],
    )
    beside = asked.purpose == "summary"
    return _said(summary.reply(conversation) if beside else offline.reply(conversation))


def _said(reply: Reply) -> Step:
    if not reply.calls:
        return reply.text
    return calls(*((each.name, dict(each.arguments)) for each in reply.calls))  # pyright: ignore[reportArgumentType, reportCallIssue]


async def trail_of(stage: Stage, handle: Handle) -> Trail:
    """Return what recomputing a run's chain comes to, over all that it continued as."""
    execution: str | None = (await handle.describe()).run_id
    legs: list[history.Leg] = []
    while execution:
        leg = stage.client.get_workflow_handle(handle.id, run_id=execution)
        events = [event async for event in leg.fetch_history_events()]
        legs.insert(0, history.Leg(execution, events))
        begun = events[0].workflow_execution_started_event_attributes
        execution = begun.continued_execution_run_id
    return await verify.walked(stage.client.data_converter, legs)
