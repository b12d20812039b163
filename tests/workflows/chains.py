"""Chains for tests: two steps, a model that answers by the step, and how to run one."""

import json
from typing import Any

from activities.chain import ChainActivities
from agents.step.spec import AGENT
from domain.chain import ChainResult
from runtime.serving import activities_of
from tests.fakes import Asked, Say, Script, answer
from tests.workflows.stage import Handle, Stage

TEXT = {"type": "string"}


def shape(**properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has all of `properties`."""
    named = {name: dict(each) for name, each in properties.items()}
    return {"type": "object", "properties": named, "required": list(named)}


def step(name: str, needs: dict[str, Any], gives: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a step of a chain."""
    asked = {"name": name, "instruction": f"do {name}", "input": shape(**needs)}
    return {**asked, "output": shape(**gives), **more}


def two_steps(**more: Any) -> dict[str, Any]:
    """Return a chain of two steps, of which the second needs one of the first's two fields."""
    return {
        "input": shape(text=TEXT),
        "steps": [
            step("read", {"text": TEXT}, {"facts": TEXT, "private": TEXT}),
            step("write", {"facts": TEXT}, {"letter": TEXT}, **more),
        ],
        "given": {"text": "the given text"},
    }


def by_step(**answers: Any) -> Script:
    """Return a script that answers by the instruction; a function is asked, anything else said."""

    def script(asked: Asked) -> Any:
        task = json.loads(asked.messages[0].text)
        name = str(task["instruction"]).removeprefix("do ")
        found = answers.get(name, answers.get("otherwise"))
        return found(task) if callable(found) else found

    return script


READ = answer(facts="the facts", private="MARKER")
WRITE = answer(letter="dear reader")


async def play(stage: Stage, script: Script, *others: Any) -> None:
    """Serve the step agent, and others."""
    agents = [AGENT, *others]
    stage.more = activities_of(ChainActivities([each.name for each in agents]))
    await stage.play(agents, script)


async def begin(stage: Stage, chain: dict[str, Any]) -> Handle:
    """Start a chain."""
    return await stage.begin("ChainWorkflow", chain)


async def ended(stage: Stage, handle: Handle) -> ChainResult:
    """Wait for a chain's end; look at its history; return its result."""
    await stage.closed(handle)
    found = stage.client.get_workflow_handle(handle.id, result_type=ChainResult)
    return await found.result()


async def ran(stage: Stage, chain: dict[str, Any]) -> ChainResult:
    """Run a chain to its end."""
    return await ended(stage, await begin(stage, chain))


def longer(count: int) -> dict[str, Any]:
    """Return a chain of `count` steps, each handing one text to the next."""
    names = [f"s{number}" for number in range(count)]
    chain = [step(name, {"text": TEXT}, {"text": TEXT}) for name in names]
    return {"input": shape(text=TEXT), "steps": chain, "given": {"text": "0"}}


def next_number(asked: Asked) -> Say:
    """Answer the number that follows the one given."""
    given = json.loads(asked.messages[0].text)["input"]["text"]
    return answer(text=str(int(given) + 1))
