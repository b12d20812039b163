"""Researches for tests: a folder of documents, specialists that follow the offline rules."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from activities.research import ResearchActivities
from agents import offline
from agents.reading.lent import citing
from agents.toolkit import Agent, tool
from commands.pages.research import research_page
from domain.messages import ToolCall
from domain.research import SPECIALISTS, SUPERVISOR, VERIFIER
from domain.researching import ResearchResult
from domain.taint import unmarked
from runtime.artifacts import Artifacts
from runtime.documents import Documents
from runtime.serving import activities_of
from tests.fakes import Asked, Say, Step, answer, call, calls
from tests.workflows.stage import PATIENCE_S, Handle, Stage

QUESTION = "How are idempotency keys used for writes?"
TEAM = (SUPERVISOR, VERIFIER, *SPECIALISTS)
Change = Callable[[Asked, Say], Step | None]

WRITES = """# Writes

Every write call carries an idempotency key. The key is stable over 3 retries of a write.

## In doubt

A write without a key is tried once. When its outcome is unknown, a person is asked about the write.
"""
READS = """# Reads

Reads run in parallel and need no idempotency key. A read that fails is tried again 4 times.
"""


def team() -> list[Agent]:
    """Return the agents of a research."""
    return [import_module(f"agents.{name}.spec").AGENT for name in TEAM]


def folder(path: Path, **more: str) -> str:
    """Write the documents and return their folder; `more` are other files, by name."""
    path.mkdir(exist_ok=True)
    named = {"writes.md": WRITES, "reads.md": READS} | more
    for name, text in named.items():
        (path / name).write_text(text, encoding="utf-8")
    return str(path)


def by_rules(asked: Asked) -> Say:
    """Return what the agent's offline rules say."""
    rules = import_module(f"agents.{asked.agent}.offline")
    return _said(rules.reply(conversation(asked)))


def _said(reply: offline.Reply) -> Say:
    if not reply.calls:
        return Say(reply.text)
    return calls(*((each.name, dict(_arguments(each.arguments))) for each in reply.calls))


def _arguments(arguments: Any) -> dict[str, Any]:
    return json.loads(arguments) if isinstance(arguments, str) else dict(arguments)


def conversation(asked: Asked) -> offline.Conversation:
    """Return a request as the offline model sees it."""
    results: list[offline.Result] = []
    named: dict[str, ToolCall] = {}
    for message in asked.messages:
        named |= {call.id: call for call in message.calls}
        if message.role == "tool":
            made = named[message.call_id]
            results.append(offline.Result(made.name, json.loads(made.arguments), message.text))
    return offline.Conversation(
        task=asked.messages[0].text,
        results=results,
        messages=[offline.Said(message.role, message.text) for message in asked.messages],
        turn=1 + sum(message.role == "assistant" for message in asked.messages),
    )


def script(change: Change | None = None) -> Callable[[Asked], Step]:
    """Return a model that follows the rules; `change` may say something else instead."""

    def said(asked: Asked) -> Step:
        usual = by_rules(asked)
        return (change(asked, usual) if change else None) or usual

    return said


def equip(stage: Stage) -> None:
    """Give a stage the steps of a research."""
    artifacts = Artifacts(stage.database)
    stage.more = activities_of(
        ResearchActivities(Documents(stage.database), artifacts, research_page)
    )


async def start(stage: Stage, documents: str, **request: Any) -> Handle:
    """Start a research with plain JSON."""
    asked = {"question": QUESTION, "documents": documents} | request
    return await stage.client.start_workflow(
        "ResearchWorkflow", asked, id=f"research-{stage.queue[-12:]}", task_queue=stage.queue
    )


async def finished(stage: Stage, handle: Handle) -> ResearchResult:
    """Wait for a research's end and return its result; its history is sound."""
    await stage.closed(handle)
    typed = stage.client.get_workflow_handle(handle.id, result_type=ResearchResult)
    return await asyncio.wait_for(typed.result(), PATIENCE_S)


async def researched(
    stage: Stage, documents: str, change: Change | None = None, **request: Any
) -> ResearchResult:
    """Run a research from its start to its end."""
    equip(stage)
    await stage.play(team(), script(change))
    return await finished(stage, await start(stage, documents, **request))


# --- a tool that another server lends


def lending(text: str) -> list[Agent]:
    """Return the agents of a research; the one that searches has a search of the web."""

    @tool(effect="read", source="outside")
    async def web_search(query: str) -> str:
        """Search the web."""
        return text if query else ""

    named = {agent.name: agent for agent in team()}
    search = named["researcher_search"]
    lent = {**named, search.name: replace(search, tools=[*search.tools, web_search])}
    return list(citing(lent).values())


def search_the_web(asked: Asked) -> Say:
    """Search the web and quote the first sentence of what comes back."""
    if not asked.results:
        return call("web_search", query="moon")
    passage = json.loads(unmarked(asked.results[-1]))["passages"][0]
    return answer(found=[{"passage": passage["passage"], "quote": passage["text"]}])
