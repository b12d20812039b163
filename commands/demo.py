"""`demo`: an audit whose worker is killed in the middle, from the first line to the report."""

import asyncio
import os
import shutil
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from temporalio.client import WorkflowHandle

from agents.auditor import sample
from agents.auditor.faults import Planted
from commands import audit_results, bench, console, demo_views, options, reading, report, tenure
from commands.demo_counts import Counts, count
from commands.errors import CommandError, Exit
from commands.reading import AUDIT_WORKFLOW
from commands.session import Session, session, whoami
from commands.stack import Stack
from commands.starting import Start, start
from domain.auditing import AuditRequest, AuditResult
from runtime import devserver
from runtime.settings import PROJECT, Settings, variable_of

RUN_ID: Final = "demo-audit"
_SEED: Final = 7
# So slow does the stand-in think that a kill hits it in the middle, as it would a real model.
_LATENCY_MS: Final = 700
# Model calls asked for until the worker is killed: some are recorded then, some under way.
_KILL_AFTER_CALLS: Final = 12
_PARALLEL: Final = 3
# Each act takes seconds; with five busy processes a core the whole took one minute.
_PATIENCE_S: Final = 180.0
_LOOK_S: Final = 0.05

Keep = Annotated[
    bool, typer.Option("--keep", help="Leave everything up at the end, until Ctrl-C.", metavar="")
]


@dataclass(frozen=True)
class Shown:
    """What the demo ends with."""

    result: AuditResult
    planted: list[Planted]
    counts: Counts
    killed_at: int
    page: Path
    ui: str
    seconds: float


async def demo(keep: Keep = False, json: options.Json = False) -> Exit:
    """Show it all in a minute: an audit, its worker killed with SIGKILL, and no step paid twice.

    It has a server, a model and a worker of its own in .holdfast/demo, and stops them at the end.
    """
    screen = demo_views.Screen(as_json=json)
    began = time.monotonic()
    async with _stack(screen) as stack, session(stack.settings) as opened:
        shown = await _play(screen, stack, opened, began)
        if json:
            console.emit(_as_json(shown))
        else:
            screen.end(shown.result, shown.planted, shown.counts, shown.page)
        if keep or screen.asks:
            await screen.linger(shown.ui, keep=keep)
    good = _all_found(shown) and not shown.counts.repeated
    return Exit.OK if good else Exit.FAILED


async def _play(screen: demo_views.Screen, stack: Stack, opened: Session, began: float) -> Shown:
    """Play the acts in order."""
    ledger = stack.settings.home / "ledger.csv"
    planted = sample.write_sample(ledger, _SEED)
    screen.step(f"a ledger with {len(planted)} faults, which the auditor is not told: {ledger}")
    request = AuditRequest(ledger=str(ledger), title="Demo ledger", parallel=_PARALLEL, by=whoami())
    await start(opened, Start(AUDIT_WORKFLOW, request, RUN_ID, RUN_ID))
    ui = opened.page(RUN_ID)
    screen.step("the audit runs", ui)
    calls = await _until_busy(screen, stack, opened)
    await _kill(screen, stack, opened, calls)
    handle = opened.handle(RUN_ID)
    await _until_asked(screen, opened)
    await _decide(screen, opened, handle)
    closed = await asyncio.wait_for(reading.result(opened, RUN_ID), _PATIENCE_S)
    if closed.result is None:
        raise CommandError(f"the demo's audit failed: {closed.failure}")
    result = AuditResult.model_validate(closed.result)
    page = stack.settings.home / "report.html"
    await report.write(opened, RUN_ID, page)
    counts = await count(opened, RUN_ID, stack.settings.home / bench.OFFLINE_RECORD)
    return Shown(result, planted, counts, calls, page, ui, time.monotonic() - began)


@asynccontextmanager
async def _stack(screen: demo_views.Screen) -> AsyncGenerator[Stack]:
    """Yield a server, a model and a worker that only the demo uses."""
    settings = _own_settings()
    stack = Stack(settings, dict(os.environ), screen.say)
    try:
        screen.step("starting a Temporal server, the offline model and a worker")
        await stack.start(f"latency,ms={_LATENCY_MS}")
        _only_here(stack)
        since = time.time()
        await stack.start_worker()
        async with session(settings) as opened:
            await stack.ready(opened, since)
        yield stack
    finally:
        await stack.stop()


def _own_settings() -> Settings:
    """Take nothing from the user's environment, and leave nothing of theirs touched."""
    foreign = ("TEMPORAL_", "OPENAI_", "ANTHROPIC_", "HOLDFAST_")
    kept = {"TEMPORAL_CLI"}
    for name in [name for name in os.environ if name.startswith(foreign) and name not in kept]:
        del os.environ[name]
    # A profile in the user's home folder would lead to their server.
    os.environ["TEMPORAL_CONFIG_FILE"] = os.devnull
    os.environ[variable_of("home")] = str(PROJECT / ".holdfast" / "demo")
    os.environ[variable_of("server_port")] = str(_free_port())
    os.environ[variable_of("ui_port")] = str(_free_port())
    os.environ[variable_of("metrics_port")] = "0"
    settings = Settings.load()
    # A demo that was killed may have left its processes; one that runs is left alone.
    tenure.claim(settings.prepare_home())
    devserver.stop(settings)
    shutil.rmtree(settings.home, ignore_errors=True)
    settings.prepare_home()
    return settings


def _only_here(stack: Stack) -> None:
    os.environ["TEMPORAL_ADDRESS"] = stack.env["TEMPORAL_ADDRESS"] = stack.address


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _until_busy(screen: demo_views.Screen, stack: Stack, opened: Session) -> int:
    """Wait until model calls are recorded and others under way; return how many were made."""
    record = stack.settings.home / bench.OFFLINE_RECORD
    deadline = time.monotonic() + _PATIENCE_S
    with screen.waiting("the auditor thinks") as progress:
        while time.monotonic() < deadline:
            counted = await bench.stats(record)
            calls = int(counted["calls"]) if counted else 0
            progress(f"{calls} model calls")
            if calls >= _KILL_AFTER_CALLS:
                return calls
            await _not_stopped(opened)
            await asyncio.sleep(_LOOK_S)
    raise CommandError("the audit made no model calls in time; `starter.py doctor` may know why")


async def _not_stopped(opened: Session) -> None:
    """Raise if the audit stands still or has ended: the demo would wait in vain.

    Raises:
        CommandError: Says why.
    """
    now = reading.listed(await reading.described(opened, RUN_ID))
    if now.state == "STOPPED" and (said := await reading.status(opened, RUN_ID)) and said.stop:
        raise CommandError(f"the demo's audit stopped at {said.stop.step}: {said.stop.reason}")
    if not now.is_open:
        closed = await reading.result(opened, RUN_ID)
        reason = closed.failure or (closed.result or {}).get("reason", "it found nothing to do")
        raise CommandError(f"the demo's audit ended before it was killed: {reason}")


async def _kill(screen: demo_views.Screen, stack: Stack, opened: Session, calls: int) -> None:
    """Kill the worker as a power cut would, and start another."""
    if stack.worker is None:
        raise CommandError("the demo has no worker to kill; report this as a bug")
    pid = stack.worker.pid
    await stack.worker.kill()
    screen.kill(f"SIGKILL to the worker (pid {pid}) after {calls} model calls, some under way")
    since = time.time()
    with screen.waiting("another worker starts"):
        await stack.start_worker()
        await stack.ready(opened, since)
    screen.step(f"another worker (pid {stack.worker.pid}) takes over where it stopped")


async def _until_asked(screen: demo_views.Screen, opened: Session) -> None:
    """Wait for the filing gate.

    Raises:
        CommandError: The audit stopped, or takes too long.
    """
    record = opened.settings.home / bench.OFFLINE_RECORD
    deadline = time.monotonic() + _PATIENCE_S
    with screen.waiting("the audit goes on") as progress:
        while time.monotonic() < deadline:
            said = await reading.status(opened, RUN_ID)
            if said is not None and said.question:
                return
            counted = await bench.stats(record)
            running = len(said.tool.split(", ")) if said and said.tool else 0
            if counted:
                progress(f"{counted['calls']} model calls, {running} accounts under way")
            await _not_stopped(opened)
            await asyncio.sleep(_LOOK_S)
    raise CommandError(f"the audit did not come to its end in {_PATIENCE_S:.0f} s")


async def _decide(
    screen: demo_views.Screen, opened: Session, handle: WorkflowHandle[Any, Any]
) -> None:
    """Have a person file the report, or say that nobody is there to ask."""
    said = await reading.status(opened, RUN_ID)
    asked = reading.question(said)
    if asked is None:
        raise CommandError("the filing gate closed before anybody was asked; run the demo again")
    if not screen.asks:
        screen.step("the report waits for a person; nobody is at this pipe: signal `approve`")
        await handle.signal("approve", {"by": "the demo", "reason": "nobody at the terminal"})
        return
    verdict = await screen.ask(RUN_ID, asked, handle)
    if verdict:
        await handle.signal(verdict, {"by": whoami()})


def _all_found(shown: Shown) -> bool:
    found = audit_results.accounts(shown.result)
    return found == {fault.account_id for fault in shown.planted}


def _as_json(shown: Shown) -> dict[str, Any]:
    return {
        **audit_results.figures(shown.result),
        "planted": [vars(fault) for fault in shown.planted],
        "all_found": _all_found(shown),
        "model_calls_asked": shown.counts.asked,
        "model_calls_recorded": shown.counts.recorded,
        "model_calls_repeated": shown.counts.repeated,
        "model_calls_cut_off": shown.counts.cut_off,
        "killed_after_calls": shown.killed_at,
        "ui": shown.ui,
        "report": str(shown.page),
        "demo_seconds": round(shown.seconds, 1),
    }
