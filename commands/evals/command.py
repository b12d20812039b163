"""`eval`: how well an agent does on its cases, and whether a change made it worse."""

from typing import TYPE_CHECKING

import typer

from commands import console, options
from commands.errors import Exit
from commands.evals.cases import evaluated, load
from commands.evals.command_options import (
    Agent,
    Alpha,
    Baseline,
    Html,
    JudgeModel,
    Model,
    Noise,
    Only,
    Parallel,
    Prompt,
    Quick,
    Repeat,
    Save,
    Seed,
)
from commands.evals.progress import progress
from commands.evals.results import Evaluation, read, save, write
from commands.evals.statistics import ALPHA
from commands.groups import StartFirst
from commands.guard import guarded

if TYPE_CHECKING:
    from commands.evals.comparing import Comparison


async def start(
    agent: Agent,
    *,
    model: Model = "",
    judge_model: JudgeModel = "",
    prompt: Prompt = None,
    baseline: Baseline = None,
    save_to: Save = None,
    html: Html = None,
    repeat: Repeat = 1,
    parallel: Parallel = 8,
    noise: Noise = 0,
    seed: Seed = 0,
    only: Only = "",
    quick: Quick = 0,
    alpha: Alpha = ALPHA,
    json: options.Json = False,
) -> Exit:
    """Run an agent's cases and score them; with --baseline fail where it got worse.

    Runs are real, their effects are not. What looks worse is run once more before anybody is told.
    """
    # Here and not above: what evaluates takes a second to import, and no other command needs it.
    from commands.evals.deciding import held_against  # noqa: PLC0415
    from commands.evals.lab import lab  # noqa: PLC0415
    from commands.evals.running import Wish, evaluated  # noqa: PLC0415
    from commands.evals.stubs import Changes  # noqa: PLC0415

    dataset = load(agent, only, quick)
    told = options.text_of(prompt, "a system prompt") if prompt else ""
    before = read(baseline, agent) if baseline else None
    wish = Wish(agent, repeat, parallel, noise, seed, prompt.name if prompt else "", model)
    changes = Changes(agent, model, told, judge_model)
    async with lab(changes) as at:
        with progress(f"{len(dataset.cases)} cases", len(dataset.cases) * repeat) as step:
            now = await evaluated(at, dataset, wish, step)
        comparison, alarms = None, frozenset[str]()
        if before is not None:
            comparison, alarms = await held_against(at, dataset, before, now, wish, alpha=alpha)
    if save_to:
        save(save_to, now)
    if html:
        from commands.evals.page import evaluation_page  # noqa: PLC0415 - templates

        write(html, evaluation_page(now, before, comparison, alarms), "--html")
    _tell(now, comparison, alarms, as_json=json)
    return Exit.FAILED if alarms else Exit.OK


def _tell(
    now: Evaluation,
    comparison: "Comparison | None",
    alarms: frozenset[str],
    *,
    as_json: bool,
) -> None:
    from commands.evals import telling  # noqa: PLC0415 - after what it tells

    if as_json:
        console.emit(telling.as_json(now, comparison, alarms))
    else:
        telling.show(now, comparison, alarms)


async def listed(json: options.Json = False) -> Exit:
    """List the agents that have cases, and how many."""
    found = {agent: load(agent).cases for agent in evaluated()}
    if json:
        console.emit({agent: len(cases) for agent, cases in found.items()})
        return Exit.OK
    table = console.table("agent", "cases", "of production", right=("cases", "of production"))
    for agent, cases in found.items():
        real = sum(bool(case.metadata and case.metadata.run) for case in cases)
        table.add_row(agent, f"{len(cases)}", f"{real or ''}")
    console.out().print(table)
    return Exit.OK


def evals() -> typer.Typer:
    """Return the group of commands: `eval AGENT` is `eval start AGENT`."""
    from commands.evals.adding import add  # noqa: PLC0415
    from commands.evals.agreeing import agreement  # noqa: PLC0415

    made = typer.Typer(
        cls=StartFirst,
        no_args_is_help=True,
        help="Evaluate an agent on its cases: `eval AGENT`.",
    )
    commands = {"start": start, "list": listed, "add": add, "agreement": agreement}
    for name, command in commands.items():
        made.command(name)(guarded(command))
    return made
