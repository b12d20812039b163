"""`doctor`: what is there, what is missing, and the command that mends it."""

import asyncio
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest

from agents.registry import agents
from commands import console, mcp, options
from commands.console import safe
from commands.errors import Exit, explain, one_line
from commands.session import Session, session
from commands.stuck import stuck
from commands.up import serves
from domain.halts import Halt, told
from runtime import devserver, server_binary
from runtime.database import opened
from runtime.deployments import Deployments
from runtime.halts import Halts
from runtime.routes import named_routes
from runtime.search_attributes import SEARCH_ATTRIBUTES
from runtime.server_binary import BinaryMissing
from runtime.settings import Settings, SettingsError
from runtime.temporal import configured

Verdict = Literal["ok", "missing", "optional"]
_MARKS: Final[dict[Verdict, str]] = {
    "ok": "[green]✓[/]",
    "missing": "[red]✗[/]",
    "optional": "[yellow]-[/]",
}
_PATIENCE_S: Final = 30
_NAMED: Final = 5
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        mend: The command that mends it; nothing where it is well.
    """

    name: str
    verdict: Verdict
    found: str
    mend: str = ""


async def doctor(json: options.Json = False) -> Exit:
    """Check what Holdfast needs, and say what mends what is missing.

    Exit code 1 where something needed is missing. Keys are never shown.
    """
    settings = Settings.load()
    checks = [_python(), _binary(settings), *await _database(settings)]
    checks += [_agents(), _model(settings), _routes(settings)]
    checks += await _server(settings)
    checks += [Check(*row) for row in await mcp.doctor_rows(settings)]
    checks.append(_browser())
    if json:
        console.emit([vars(check) for check in checks])
    else:
        table = console.table("", "what", "found", "to mend it")
        for check in checks:
            table.add_row(_MARKS[check.verdict], check.name, safe(check.found), safe(check.mend))
        console.out().print(table)
    broken = any(check.verdict == "missing" for check in checks)
    return Exit.FAILED if broken else Exit.OK


def _python() -> Check:
    return Check("python", "ok", platform.python_version())


def _binary(settings: Settings) -> Check:
    try:
        found = server_binary.find(settings)
    except BinaryMissing as error:
        return Check("temporal binary", "missing", str(error), "unset TEMPORAL_CLI")
    if found is None:
        return Check("temporal binary", "missing", "none", "make temporal")
    return Check("temporal binary", "ok", str(found))


async def _database(settings: Settings) -> list[Check]:
    try:
        async with opened(settings) as database:
            await database.ping()
            halted = await Halts(database).list()
            return [Check("database", "ok", repr(database)), *([_halts(halted)] if halted else [])]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
        mend = "set or unset HOLDFAST_DATABASE_URL"
        return [Check("database", "missing", _reason(error), mend)]


def _halts(standing: Sequence[Halt]) -> Check:
    """Say that runs are held back on purpose: one who wonders why nothing goes on looks here."""
    mend = f"python starter.py unhalt {standing[-1].arguments} (see halts)"
    return Check("halts", "optional", told(tuple(standing)), mend)


def _agents() -> Check:
    try:
        return Check("agents", "ok", ", ".join(sorted(agents())))
    except Exception as error:  # noqa: BLE001 - an agent's folder is anyone's code
        return Check("agents", "missing", f"{type(error).__name__}: {error}", "mend that file")


def _model(settings: Settings) -> Check:
    keys = {
        "OPENAI_API_KEY": settings.openai_api_key,
        "ANTHROPIC_API_KEY": settings.anthropic_api_key,
    }
    known = [f"{name} is set" for name, key in keys.items() if key]
    found = serves(settings) + (f" ({', '.join(known)})" if known else "")
    return Check("model", "ok", found)


def _routes(settings: Settings) -> Check:
    try:
        named = named_routes(settings)
    except SettingsError as error:
        return Check("routes", "missing", str(error), "docs/gateway.md says how they are written")
    said = "; ".join(f"{name}: {', '.join(models)}" for name, models in sorted(named.items()))
    home = f"; local: {settings.local_base_url}" if settings.local_base_url else ""
    return Check("routes", "ok", said + home)


async def _server(settings: Settings) -> list[Check]:
    try:
        target = configured(settings).get("target_host", "")
        async with asyncio.timeout(_PATIENCE_S), session(settings) as connected:
            return [
                Check("Temporal server", "ok", connected.page() or target),
                await _attributes(connected),
                await _worker(connected),
                *_fairness(settings),
                *await _deployment(connected),
                *await _stuck(connected),
            ]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
        return [Check("Temporal server", "missing", _reason(error), "python starter.py up")]


async def _deployment(connected: Session) -> list[Check]:
    """Say which build runs go to; without a current one all new runs wait."""
    name = connected.settings.deployment
    if name is None:
        return []
    build = await Deployments(connected.client, name).current()
    if build:
        return [Check("deployment", "ok", f"{name}, current build {build}")]
    mend = "python starter.py deploys list, then deploys current BUILD"
    return [Check("deployment", "missing", f"{name} has no current build: runs wait", mend)]


async def _stuck(connected: Session) -> list[Check]:
    """Name runs that wait for other code: nothing else says so of them."""
    found = await stuck(connected)
    if not found:
        return []
    some = ", ".join(each.run_id for each in found[:_NAMED])
    reason = next((each.reason for each in found if each.reason), "no worker answers for them")
    mend = "serve the code that they began with, or a patched one: docs/deploys.md"
    return [Check("runs that do not go on", "missing", f"{len(found)}: {some}; {reason}", mend)]


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    known = explain(error)
    return known[0] if known else f"{type(error).__name__}: {one_line(str(error))}"


async def _attributes(connected: Session) -> Check:
    known = await connected.client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=connected.client.namespace)
    )
    lacking = sorted(set(SEARCH_ATTRIBUTES) - set(known.custom_attributes))
    if not lacking:
        return Check("search attributes", "ok", ", ".join(sorted(SEARCH_ATTRIBUTES)))
    flags = " ".join(f"--name {name} --type {SEARCH_ATTRIBUTES[name]}" for name in lacking)
    mend = f"python worker.py registers them, or: temporal operator search-attribute create {flags}"
    return Check("search attributes", "missing", f"not registered: {', '.join(lacking)}", mend)


async def _worker(connected: Session) -> Check:
    count = await connected.workers()
    queue = connected.settings.task_queue
    if not count:
        mend = "python starter.py up, or python worker.py"
        return Check("worker", "missing", f"none serves {queue!r}", mend)
    return Check("worker", "ok", f"{count} on {queue!r}")


def _fairness(settings: Settings) -> list[Check]:
    """Say whether tenants take turns; a server of one's own is not asked."""
    server = devserver.find(settings)
    if server is None:
        return []
    if server.fair:
        return [Check("fairness between tenants", "ok", "on")]
    mend = "let the workers finish what waits, then stop and start the server: docs/fairness.md"
    found = "off: tasks of an earlier version waited in its file"
    return [Check("fairness between tenants", "optional", found, mend)]


def _browser() -> Check:
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        return Check("browser (tests only)", "optional", "none", "apt-get install chromium")
    return Check("browser (tests only)", "ok", str(Path(found)))
