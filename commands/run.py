"""`run`: one agent, one task."""

from typing import Annotated

import typer

from agents.registry import agents
from commands import bench, console, options, results
from commands.errors import Exit, Misuse
from commands.following import Waits, follow, report_wait
from commands.reading import AGENT_WORKFLOW
from commands.session import session, whoami
from commands.starting import Start, announce, start, started_only
from domain.run import MAX_TASK_BYTES, AgentRequest

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="Name of the agent's folder.")]
Task = Annotated[str, typer.Argument(metavar="TASK", help="What to do, in words or as JSON.")]
Data = Annotated[
    list[str] | None,
    typer.Option("--data", metavar="NAME=VALUE", help="An input of the tools; may be repeated."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Make no writes; list them instead.", metavar="")
]


async def run(
    agent: Agent,
    task: Task,
    *,
    data: Data = None,
    run_id: options.NewId = "",
    again: options.Again = False,
    detach: options.Detach = False,
    dry_run: DryRun = False,
    tenant: options.Tenant = "default",
    by: options.By = "",
    steps: options.Steps = None,
    tokens: options.Tokens = None,
    cost_usd: options.CostUsd = None,
    minutes: options.Minutes = None,
    json: options.Json = False,
) -> Exit:
    """Run an agent on a task and wait for its answer.

    Ctrl-C leaves the run alone and says how to watch it again.
    """
    request = AgentRequest(
        agent=_known(agent),
        task=_fitting(task),
        data=pairs(data or [], "--data"),
        limits=options.limits(steps, tokens, cost_usd, minutes),
        tenant=tenant,
        by=by or whoami(),
        dry_run=dry_run,
    )
    wanted = Start(AGENT_WORKFLOW, request, agent, run_id, again, detach)
    async with session() as opened:
        started = await start(opened, wanted)
        announce(opened, started)
        if detach:
            return started_only(started, as_json=json)
        came_to = await follow(opened, started.run_id, silent=json)
        if isinstance(came_to, Waits):
            if json:
                console.emit(results.waits_json(came_to))
            return report_wait(opened, came_to)
        if agent == bench.AGENT and json:
            return await bench.report(opened, started.run_id, came_to)
        return results.agent_result(started.run_id, came_to, as_json=json)


def pairs(given: list[str], option: str) -> dict[str, str]:
    """Return `NAME=VALUE` options as a mapping.

    Raises:
        Misuse: One has no `=`, or no name.
    """
    found: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise Misuse(f"{option} {pair!r}: expected NAME=VALUE")
        found[name] = value
    return found


def _known(agent: str) -> str:
    known = agents()
    if agent not in known:
        raise Misuse(
            f"unknown agent {agent!r}; there are {', '.join(sorted(known))} "
            "(a folder below agents/ with a spec.py makes one)"
        )
    return agent


def _fitting(task: str) -> str:
    if not task.strip():
        raise Misuse("TASK is empty; say what the agent shall do")
    size = len(task.encode())
    if size > MAX_TASK_BYTES:
        raise Misuse(
            f"TASK has {size:,} bytes, expected at most {MAX_TASK_BYTES:,}; "
            "put long material where a tool of the agent can read it"
        )
    return task
