"""`repair`: mend a Git repository whose tests fail, on a copy, and ask before it is committed."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from commands import options, results, views
from commands.console import safe
from commands.errors import Exit, Misuse
from commands.launch import launch
from commands.session import whoami
from commands.starting import Start
from domain.command import MOST_SECONDS, CommandLimits, Confinement
from domain.repair import RepairRequest, RepairResult

REPAIR_WORKFLOW = "RepairWorkflow"
_KIND = "repair"
_MOST_DIFF = 400  # lines shown
_MOST_OUTPUT = 40
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}

Repository = Annotated[
    str, typer.Argument(metavar="REPOSITORY", help="Top folder of a Git repository.")
]
Test = Annotated[
    str, typer.Option("--test", metavar="COMMAND", help='For example "python -m pytest -q".')
]
Rounds = Annotated[int, typer.Option("--rounds", min=1, max=20, help="Tries of the agent.")]
Seconds = Annotated[
    float,
    typer.Option("--test-seconds", min=0.1, max=MOST_SECONDS, help="Then the tests are killed."),
]
Memory = Annotated[int, typer.Option("--memory-mb", min=16, help="Of all the tests' processes.")]
Readable = Annotated[
    list[str] | None,
    typer.Option("--readable", metavar="PATH", help="The tests may read this too; repeatable."),
]
AllowDirty = Annotated[
    bool,
    typer.Option("--allow-dirty", help="Repair HEAD, without what is not committed.", metavar=""),
]
EditTests = Annotated[
    bool, typer.Option("--edit-tests", help="The tests may be changed too.", metavar="")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Commit nothing and ask nobody; show it.", metavar="")
]


async def repair(
    repository: Repository,
    *,
    test: Test,
    rounds: Rounds = 3,
    test_seconds: Seconds = 120,
    memory_mb: Memory = 2_048,
    readable: Readable = None,
    allow_dirty: AllowDirty = False,
    edit_tests: EditTests = False,
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
    """Mend a repository whose tests fail, on a copy; a person approves the diff.

    Approved, it is committed to a new branch holdfast/repair-...; the working tree is not touched.
    The tests run confined. The limits (--steps, --tokens, --cost-usd, --minutes) hold for one
    round. Stops with exit code 3 where the diff waits for approval.
    """
    given: dict[str, Any] = {
        "repository": _usable(repository, test, allow_dirty=allow_dirty),
        "test": test,
        "rounds": rounds,
        "command": CommandLimits(seconds=test_seconds, memory_mb=memory_mb),
        "readable": tuple(map(_absolute, readable or ())),
        "allow_dirty": allow_dirty,
        "edit_tests": edit_tests,
        "limits": options.limits(steps, tokens, cost_usd, minutes),
        "cost_usd": options.usd(budget_usd),
        "tenant": tenant,
        "by": by or whoami(),
        "dry_run": dry_run,
    }
    request = RepairRequest(**{name: value for name, value in given.items() if value is not None})
    wanted = Start(REPAIR_WORKFLOW, request, "repair", run_id, again, detach)
    return await launch(_KIND, wanted, as_json=json)


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def _usable(repository: str, test: str, *, allow_dirty: bool) -> str:
    """Return the repository's folder, absolute, once it is known that it can be repaired.

    Raises:
        Misuse: It cannot; nothing was started.
    """
    # Here and not above: what runs tests is of no use to the other commands.
    from activities.repair import unfit  # noqa: PLC0415
    from agents.repair.git import GitError, look  # noqa: PLC0415

    path = str(Path(repository).expanduser().resolve()) if repository else ""
    try:
        refusal = unfit(path, test) or look(path, allow_dirty=allow_dirty).refusal
    except GitError as error:
        refusal = f"{path!r} cannot be read: {error}"
    if refusal:
        raise Misuse(f"{refusal} (nothing was started)")
    return path


# --- the result


def _facts(result: RepairResult) -> dict[str, str]:
    branch = f"{result.branch} at {result.commit[:12]}" if result.commit else result.branch
    folder = result.repository
    return {
        "tests before": safe(result.before),
        "tests after": safe(result.after),
        "branch": safe(branch),
        "look at it": safe(f"git -C {folder} show {result.branch}") if result.branch else "",
        "note": results.lines(result.notes),
        "confined": safe(confinement(result.confined)) if result.confined else "",
    }


def confinement(confined: Confinement) -> str:
    """Return what of the confinement was in force, and what was not."""
    missing = [
        word
        for word, there in (
            ("the network was open", confined.network),
            ("files outside the copy could be changed", confined.filesystem),
        )
        if not there
    ]
    said = ", ".join(confined.how) or "time, memory and output limits alone"
    return f"{said}; NOT in force: {', '.join(missing)}" if missing else said


@results.shows(_KIND, facts=_facts)
def _body(result: RepairResult) -> Iterable[RenderableType]:
    if result.diff:
        yield _coloured(result.diff)
    elif result.output and result.verdict != "green":
        tail = result.output.strip().splitlines()[-_MOST_OUTPUT:]
        yield safe("\n".join(tail))
        yield ""
    if result.rounds:
        yield _rounds(result)


def _coloured(diff: str) -> str:
    """Return a diff as markup; of a long one the beginning."""
    lines = diff.splitlines()
    shown: list[str] = []
    for line in lines[:_MOST_DIFF]:
        colour = _COLOURS.get(line[:1], "")
        shown.append(f"[{colour}]{safe(line)}[/]" if colour else safe(line))
    if len(lines) > _MOST_DIFF:
        shown.append(f"[… {len(lines) - _MOST_DIFF} more lines: --json has them all]")
    return "\n".join(shown) + "\n"


def _rounds(result: RepairResult) -> RenderableType:
    return views.facts(
        {
            f"round {each.number}": f"{safe(each.title)}: {safe(each.ending)}"
            for each in result.rounds
        }
    )
