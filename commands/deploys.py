"""`deploys`: the builds that workers serve with, and which of them runs go to."""

from typing import Annotated, Final

import typer

from commands import console, options
from commands.console import safe
from commands.errors import Exit, Misuse
from commands.groups import ListFirst, group
from commands.session import session, whoami
from runtime.deployments import Deployments, Version
from runtime.settings import Settings

Build = Annotated[str, typer.Argument(metavar="BUILD", help="As `deploys list` shows it.")]
Name = Annotated[str, typer.Option("--deployment", help="Default: HOLDFAST_DEPLOYMENT.")]
Percent = Annotated[float, typer.Argument(metavar="PERCENT", min=0, max=100)]
Force = Annotated[
    bool,
    typer.Option("--force", help="Also where it does not serve all task queues.", metavar=""),
]
Move = Annotated[
    bool, typer.Option("--move", help="Let them go on with the current build.", metavar="")
]
_NAMED: Final = 10
_MARKS: Final = {"current": "green", "ramping": "yellow", "draining": "yellow"}


async def list_versions(deployment: Name = "", json: options.Json = False) -> Exit:
    """List the builds, the newest first: where new runs go, and who still needs which."""
    async with session() as opened:
        known = Deployments(opened.client, _name(opened.settings, deployment))
        versions = await known.versions()
        runs = {each.build: await known.open_runs(each.build) for each in versions}
        pinned = {each.build: await _pinned(known, each.build) for each in versions}
    if json:
        rows = [
            vars(each) | {"open_runs": runs[each.build], "pinned_runs": len(pinned[each.build])}
            for each in versions
        ]
        console.emit(rows)
        return Exit.OK
    table = console.table(
        "build", "status", "since", "open runs", "pinned", right=("open runs", "pinned")
    )
    for each in versions:
        since = f"{each.since:%Y-%m-%d %H:%M} UTC" if each.since else ""
        numbers = str(runs[each.build]), str(len(pinned[each.build]))
        table.add_row(safe(each.build), _status(each), since, *numbers)
    console.out().print(table)
    if not any(each.status == "current" for each in versions):
        console.warn("no build is current, so new runs wait: python starter.py deploys current ID")
    return Exit.OK


async def current(
    build: Build, *, deployment: Name = "", force: Force = False, json: options.Json = False
) -> Exit:
    """Send new runs, and all that are not pinned, to a build.

    Ask `replay --from-server` first, from a checkout of that build.
    """
    async with session() as opened:
        known = Deployments(opened.client, _name(opened.settings, deployment))
        before = await known.current()
        await known.make_current(build, whoami(), force=force)
    if json:
        console.emit({"build": build, "before": before})
        return Exit.OK
    console.out().print(f"[green]✓[/] {safe(build)} is current")
    if before and before != build:
        console.note(f"when may {before} go? python starter.py deploys drain {before}")
    return Exit.OK


async def ramp(
    build: Build,
    percent: Percent,
    *,
    deployment: Name = "",
    force: Force = False,
    json: options.Json = False,
) -> Exit:
    """Send a part of the runs to a build, before it becomes the current one; 0 takes it back."""
    async with session() as opened:
        known = Deployments(opened.client, _name(opened.settings, deployment))
        await known.ramp(build, percent, whoami(), force=force)
    if json:
        console.emit({"build": build, "percent": percent})
    else:
        console.out().print(f"[green]✓[/] {percent:g} % of the runs go to {safe(build)}")
    return Exit.OK


async def drain(
    build: Build, *, deployment: Name = "", move: Move = False, json: options.Json = False
) -> Exit:
    """Say whether a build's workers can be stopped: whether runs are pinned to it.

    Exit code 0 when they can, 3 while runs need them.
    """
    async with session() as opened:
        known = Deployments(opened.client, _name(opened.settings, deployment))
        if build not in {each.build for each in await known.versions()}:
            raise Misuse(f"no build {build!r} in {known.name!r}; see `deploys list`")
        is_current = await known.current() == build
        if move and is_current:
            raise Misuse(f"{build!r} is the current build: make another current first")
        left = await _pinned(known, build)
        for run_id in left if move else ():
            await known.release(run_id)
    if json:
        console.emit({"build": build, "current": is_current, "pinned": left, "moved": move})
    else:
        _say(build, left, moved=move, is_current=is_current)
    return Exit.WAITS if is_current or (left and not move) else Exit.OK


def _say(build: str, left: list[str], *, moved: bool, is_current: bool) -> None:
    named = ", ".join(left[:_NAMED]) + (" …" if len(left) > _NAMED else "")
    if is_current:
        console.out().print(f"{safe(build)} is current: its workers are needed")
    elif not left:
        console.out().print(f"[green]✓[/] no run is pinned to {safe(build)}: stop its workers")
    elif moved:
        console.out().print(
            f"[green]✓[/] {len(left)} runs go on with the current build: {safe(named)}"
        )
    else:
        console.out().print(f"{len(left)} runs are pinned to {safe(build)}: {safe(named)}")
        console.note("wait for them, or let them go on with the current build: --move")


async def _pinned(known: Deployments, build: str) -> list[str]:
    return [run_id async for run_id in known.pinned(build)]


def _name(settings: Settings, given: str) -> str:
    name = given or settings.deployment
    if not name:
        raise Misuse(
            "no deployment is named: set HOLDFAST_DEPLOYMENT as the workers have it, or give "
            "--deployment; workers without one have no versions (docs/deploys.md)"
        )
    return name


def _status(version: Version) -> str:
    colour = _MARKS.get(version.status)
    text = f"{version.status} {version.percent:g} %" if version.percent else version.status
    return f"[{colour}]{text}[/]" if colour else text


def deploys() -> typer.Typer:
    """Return the commands, put together."""
    made = group(
        "Builds of the workers: which are there, and which of them runs go to.",
        {"list": list_versions, "current": current, "ramp": ramp, "drain": drain},
    )
    made.info.cls = ListFirst
    made.info.no_args_is_help = False
    return made
