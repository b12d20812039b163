"""`up`: everything for local use in the foreground."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.panel import Panel

from commands import console, options, views
from commands.console import safe
from commands.errors import Exit
from commands.session import session
from commands.stack import Stack
from runtime.settings import Settings

Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print nothing but worries.", metavar="")
]

_NEXT = (
    ("audit a ledger", "python starter.py audit LEDGER.csv"),
    ("run an agent", "python starter.py run AGENT 'TASK'"),
    ("see what runs", "python starter.py list"),
    ("what waits for you", "python starter.py approvals"),
)


async def up(quiet: Quiet = False, json: options.Json = False) -> Exit:
    """Serve: Temporal with its UI, the offline model if no key is set, and one worker.

    In the foreground until Ctrl-C or SIGTERM; then everything is stopped in order. Runs are
    kept in .holdfast and go on at the next `up`.
    """
    settings = Settings.load()
    stack = Stack(settings, dict(os.environ), console.warn)
    stopping = _on_signals()
    try:
        await _start(stack, quiet=quiet or json)
        stack.keep_alive()
        if json:
            console.emit(_as_json(stack))
        elif not quiet:
            _print(stack)
        await _until(stopping, stack)
    finally:
        if not quiet and stack.worker is not None:
            console.note("stopping: the worker finishes what it is doing")
        await stack.stop()
    return Exit.OK


async def _start(stack: Stack, *, quiet: bool) -> None:
    def say(text: str) -> None:
        if not quiet:
            console.note(text)

    say("starting the Temporal server")
    await stack.start()
    say("starting the worker")
    since = time.time()
    await stack.start_worker()
    async with session(stack.settings) as opened:
        await stack.ready(opened, since)


async def _until(stopping: asyncio.Event, stack: Stack) -> None:
    asked = asyncio.create_task(stopping.wait())
    failed = asyncio.create_task(stack.failed())
    done, pending = await asyncio.wait({asked, failed}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    if failed in done:
        failed.result()


def _on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


def serves(settings: Settings) -> str:
    """Return in words which model serves."""
    named = {
        "OpenAI": settings.openai_api_key,
        "Anthropic": settings.anthropic_api_key,
    }
    keys = [name for name, key in named.items() if key]
    if keys:
        return " and ".join(keys)
    return "offline stand-in: rules, no language model (set OPENAI_API_KEY or ANTHROPIC_API_KEY)"


def _print(stack: Stack) -> None:
    told = {
        "Temporal": safe(stack.address),
        "UI": f"[link={stack.ui}]{stack.ui}[/]" if stack.ui else "",
        "model": safe(serves(stack.settings)),
        "logs": safe(_short(stack.settings.home)),
    }
    shown = console.out()
    shown.print(
        Panel(views.facts(told), title="[bold]Holdfast is up[/]", title_align="left", expand=False)
    )
    shown.print("[dim]in another terminal:[/]")
    shown.print(views.facts({name: safe(line) for name, line in _NEXT}))
    shown.print("[dim]Ctrl-C stops everything; runs are kept.[/]")


def _as_json(stack: Stack) -> dict[str, object]:
    offline = stack.offline
    return {
        "address": stack.address,
        "ui": stack.ui or None,
        "model": serves(stack.settings),
        "worker_pid": stack.worker.pid if stack.worker else None,
        "offline_pid": offline.pid if offline else None,
    }


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
