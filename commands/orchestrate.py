"""`orchestrate`: a goal, planned by an orchestrator or by hand, and done by workers."""

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from commands import console, options
from commands.audit import checked
from commands.errors import Exit, Misuse
from commands.launch import launch
from commands.orchestrate_results import KIND
from commands.run import pairs
from commands.session import whoami
from commands.starting import Start
from domain.audit import LedgerSource
from domain.goals import Goal, file_of
from domain.orchestration import OrchestrationRequest
from domain.taskgraph import allowed, phases_of
from domain.workers import WorkerCard

ORCHESTRATOR_WORKFLOW = "OrchestratorWorkflow"

GoalFile = Annotated[
    Path, typer.Argument(metavar="GOAL.yaml", help="The goal: inputs, tasks, phases, limits.")
]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="NAME=VALUE",
        help="An input of the goal; a path where the input is a file. May be repeated.",
    ),
]
Check = Annotated[
    bool, typer.Option("--check", help="Check the goal, show its tasks, start nothing.", metavar="")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Make no writes and ask nobody; list it.", metavar="")
]


async def orchestrate(
    goal_file: GoalFile,
    *,
    inputs: Inputs = None,
    check: Check = False,
    dry_run: DryRun = False,
    run_id: options.NewId = "",
    again: options.Again = False,
    detach: options.Detach = False,
    budget_usd: options.Budget = None,
    steps: options.Steps = None,
    tokens: options.Tokens = None,
    cost_usd: options.CostUsd = None,
    minutes: options.Minutes = None,
    tenant: options.Tenant = "default",
    by: options.By = "",
    json: options.Json = False,
) -> Exit:
    """Have workers do the tasks of a goal; what fails for good is named, the rest is finished.

    The limits (--steps, --tokens, --cost-usd, --minutes) hold for one attempt of one task. Exit
    code 1 also where the run is complete and a task was not done; 3 where a person is asked.
    """
    goal, cards = loaded(goal_file, pairs(inputs or [], "--input"))
    if check:
        return _checked(goal, cards, as_json=json)
    given: dict[str, Any] = {
        "goal": goal.model_dump(mode="json", exclude_unset=True),
        "limits": options.limits(steps, tokens, cost_usd, minutes),
        "cost_usd": options.usd(budget_usd),
        "tenant": tenant,
        "by": by or whoami(),
        "dry_run": dry_run,
    }
    request = OrchestrationRequest(
        **{name: value for name, value in given.items() if value is not None}
    )
    wanted = Start(ORCHESTRATOR_WORKFLOW, request, "orchestrate", run_id, again, detach)
    return await launch(KIND, wanted, as_json=json)


def loaded(path: Path, given: dict[str, str]) -> tuple[Goal, dict[str, WorkerCard]]:
    """Return the goal in a file, with `given` inputs in their places, and the workers there are.

    Raises:
        Misuse: It cannot be worked on; says every reason. Nothing was started.
    """
    # Here and not above: the agents and their tools, which other commands would load for nothing.
    from activities.orchestration import LEDGER, read_goal  # noqa: PLC0415
    from agents.plain_yaml import PlainYamlError, mapping  # noqa: PLC0415
    from agents.workers import cards  # noqa: PLC0415

    try:
        raw = mapping(options.text_of(path, "a GOAL.yaml"))
    except PlainYamlError as error:
        raise Misuse(f"{path}: {error} (nothing was started)") from None
    read = read_goal(_with_inputs(raw, given, path.parent, cards()), cards())
    if read.goal is None:
        raise Misuse(f"{path}: {read.refusal} (nothing was started)")
    for name, place in read.goal.files.items():
        if not Path(place).is_file():
            raise Misuse(f"{path}: input {name!r}: {place!r} is no file (nothing was started)")
        if name == LEDGER:
            checked(LedgerSource(ledger=place))
    return read.goal, read.cards


def _with_inputs(
    raw: dict[str, Any], given: dict[str, str], folder: Path, cards: dict[str, WorkerCard]
) -> dict[str, Any]:
    """Return the goal with the inputs of the command line, and with paths that hold anywhere."""
    found: Any = raw.get("inputs") or {}
    if not isinstance(found, dict):
        return raw  # its own refusal says so
    inputs = cast("dict[str, Any]", found).copy()
    files = {name for card in cards.values() for name in card.files}
    for name, value in inputs.items():
        if place := file_of(value):
            inputs[name] = {"file": str((folder / Path(place).expanduser()).absolute())}
    for name, value in given.items():
        is_file = name in files or bool(file_of(inputs.get(name)))
        path = str(Path(value).expanduser().absolute())
        inputs[name] = {"file": path} if is_file else value
    return {**raw, "inputs": inputs}


def _checked(goal: Goal, cards: dict[str, WorkerCard], *, as_json: bool) -> Exit:
    """Show what a goal would have done."""
    if as_json:
        console.emit(
            {"goal": goal.model_dump(mode="json"), "workers": sorted(allowed(goal, cards))}
        )
        return Exit.OK
    if not goal.tasks:
        named = ", ".join(sorted(allowed(goal, cards)))
        console.out().print(f"the goal can start; the orchestrator plans its tasks for: {named}")
        return Exit.OK
    placed = phases_of(goal)
    table = console.table("task", "worker", "phase", "needs", "gives")
    for task in goal.tasks:
        needs = ", ".join(dict.fromkeys(task.needs.values()))
        worker = task.worker or "(the orchestrator chooses)"
        table.add_row(*map(console.safe, (task.id, worker, placed[task.id], needs, task.gives)))
    console.out().print(table)
    return Exit.OK
