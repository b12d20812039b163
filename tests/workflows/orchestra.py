"""A goal, workers that answer as a test says, and the orchestrator beside them."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from temporalio.service import RPCError

from activities.orchestration import OrchestrationActivities
from agents.orchestrator.spec import AGENT as ORCHESTRATOR
from agents.toolkit import Agent, Prompt
from agents.workers import Worker
from domain.contract import Strict
from domain.orchestration import OrchestrationResult, TaskResult
from domain.taint import unmarked
from runtime.dead_letters import DeadLetter, DeadLetters
from runtime.serving import activities_of
from tests.fakes import Asked, Say, Step
from tests.workflows.stage import PATIENCE_S, Handle, Stage, eventually

Answers = Callable[[dict[str, Any]], Any]


class Thing(Strict):
    """What the workers give."""

    account: str = "17"
    n: int = 0


class Ask(Strict):
    """What they take."""

    n: int = 0
    account: str = "17"
    one: Thing | None = None
    two: Thing | None = None


def worker(name: str = "smith", **changes: Any) -> Worker:
    """Return a worker of the test's own."""
    told: dict[str, Any] = {"prompt": Prompt("You work.", "v1"), "takes": Ask, "gives": Thing}
    return Worker(name=name, **{**told, **changes})


def done(account: str = "17", n: int = 0) -> Say:
    """Answer success."""
    return said(kind="success", output={"account": account, "n": n})


def failed(reason: str = "no luck") -> Say:
    """Answer failure."""
    return said(kind="failure", reason=reason)


def asks(question: str = "which one?") -> Say:
    """Answer a question."""
    return said(kind="needs_human", question=question)


def said(**result: Any) -> Say:
    """Answer one of the three."""
    return Say(json.dumps({"result": result}))


def task_of(asked: Asked) -> dict[str, Any]:
    """Return the task that a worker was given."""
    return json.loads(asked.messages[0].text)


def script(answers: Answers, plans: Sequence[Step] = ()) -> Callable[[Asked], Step]:
    """Return a model: `answers` for workers' tasks, `plans` in turn for the orchestrator."""
    left = list(plans)

    def play(asked: Asked) -> Step:
        if asked.agent == ORCHESTRATOR.name:
            return left.pop(0)
        found = answers({**task_of(asked), "results": [unmarked(text) for text in asked.results]})
        return done() if found is None else found

    return play


async def play(
    stage: Stage,
    answers: Answers,
    *agents: Agent,
    plans: Sequence[Step] = (),
    cache: Path = Path("nowhere"),
    sandboxed: bool = False,
) -> None:
    """Serve the orchestrator and workers; one `smith` where none are given.

    Out of the sandbox, as workers are: loading a workflow's file anew takes most of a small run,
    and a goal has many. One test runs inside it.
    """
    stage.sandboxed = sandboxed
    served: list[Agent] = [ORCHESTRATOR, *(agents or (worker(),))]
    by_name = {agent.name: agent for agent in served}
    stage.more = activities_of(OrchestrationActivities(by_name, cache))
    await stage.play(served, script(answers, plans))


def goal(*tasks: dict[str, Any] | str, **more: Any) -> dict[str, Any]:
    """Return a goal; a task that is only a word is one without needs."""
    told = [{"id": task} if isinstance(task, str) else task for task in tasks]
    return {
        "goal": "get it done",
        "inputs": {"account": "17"},
        "tasks": [{"worker": "smith", **task} for task in told],
        "backoff_s": 0.01,
        **more,
    }


async def start(stage: Stage, wanted: Any, **request: Any) -> Handle:
    """Start an orchestrated run with plain JSON, as Temporal's own command line does."""
    return await stage.begin("OrchestratorWorkflow", {"goal": wanted, **request})


async def result(stage: Stage, handle: Handle) -> OrchestrationResult:
    """Wait for the end of a run; look at its history; return its result."""
    await stage.closed(handle)
    typed = stage.client.get_workflow_handle(handle.id, result_type=OrchestrationResult)
    found = await asyncio.wait_for(typed.result(), PATIENCE_S)
    assert isinstance(found, OrchestrationResult)
    return found


async def ran(stage: Stage, wanted: Any, **request: Any) -> OrchestrationResult:
    """Start a run and return what it came to."""
    return await result(stage, await start(stage, wanted, **request))


async def so_far(handle: Handle) -> OrchestrationResult:
    """Ask a run what it has come to so far."""
    return await handle.query("so_far", result_type=OrchestrationResult)


def ends(found: OrchestrationResult) -> dict[str, str]:
    """Return how each task ended."""
    return {task.id: task.standing for task in found.tasks}


def task(found: OrchestrationResult, task_id: str) -> TaskResult:
    """Return one task of a result."""
    return next(each for each in found.tasks if each.id == task_id)


def given(stage: Stage, task_id: str) -> list[dict[str, Any]]:
    """Return the tasks that workers were given under an id, in order."""
    told = [task_of(asked) for asked in stage.provider.asked if asked.agent != ORCHESTRATOR.name]
    return [each for each in told if each["task"] == task_id]


def nothing(_: dict[str, Any]) -> None:
    """Succeed at everything."""


async def letters(stage: Stage, run_id: str) -> list[DeadLetter]:
    """Return the dead letters of a run."""
    kept = await DeadLetters(stage.database).list(limit=1_000)
    return [letter for letter in kept if letter.run_id == run_id]


def needs(task_id: str, one: str, **more: Any) -> dict[str, Any]:
    """Return a task that needs an output."""
    return {"id": task_id, "needs": {"one": one}, **more}


PHASES = [
    {"name": "one", "holds": [{"same": ["a.n", "b.n"], "why": "both count the same"}]},
    {"name": "two"},
]


def two_phases(**more: Any) -> dict[str, Any]:
    """Return a goal whose second phase needs what two tasks of the first agree on."""
    last = {"id": "last", "phase": "two", "needs": {"one": "a"}}
    return goal("a", "b", "c", last, phases=PHASES, agree=["account"], **more)


def plan(*tasks: tuple[str, dict[str, str]], name: str = "smith") -> str:
    """Return a plan as the orchestrator writes it."""
    return json.dumps(
        {
            "tasks": [
                {
                    "id": task_id,
                    "worker": name,
                    "does": "it",
                    "needs": [{"field": field, "name": needed} for field, needed in wants.items()],
                    "output": task_id,
                    "phase": "",
                }
                for task_id, wants in tasks
            ]
        }
    )


CIRCLE = plan(("a", {"one": "b"}), ("b", {"one": "a"}))
GOOD = plan(("a", {"account": "account"}), ("b", {"one": "a"}))


async def asked_below(stage: Stage, handle: Handle) -> dict[str, Any]:
    """Wait for the question of a run below, which may not have started yet."""

    async def question() -> dict[str, Any] | None:
        with suppress(RPCError):
            return (await stage.status(handle)).question
        return None

    return await eventually(question)
