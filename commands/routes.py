"""`routes`: what the names of routes stand for here, and over which models each agent goes."""

from typing import Any

from agents.registry import agents
from commands import console, options
from commands.console import safe
from commands.errors import Exit
from domain.routing import expanded
from domain.spec import AgentSpec
from runtime.routes import named_routes
from runtime.settings import Settings

Named = dict[str, tuple[str, ...]]


async def routes(json: options.Json = False) -> Exit:
    """Show the named routes, and the models of each agent, as a run that begins now takes them."""
    named = named_routes(Settings.load())
    specs = [agent.spec() for _, agent in sorted(agents().items())]
    if json:
        console.emit({"routes": named, "agents": {spec.name: _row(spec, named) for spec in specs}})
        return Exit.OK
    table = console.table("route", "models, in order")
    for name, models in sorted(named.items()):
        table.add_row(safe(name), safe(", ".join(models)))
    console.out().print(table)
    table = console.table("agent", "models, in order", "", title="\nagents")
    for spec in specs:
        row = _row(spec, named)
        table.add_row(spec.name, safe(row["error"] or ", ".join(row["models"])), _marks(spec))
    console.out().print(table)
    return Exit.OK


def _row(spec: AgentSpec, named: Named) -> dict[str, Any]:
    models: tuple[str, ...] = ()
    error = ""
    try:
        models = expanded(spec.route, named)
    except ValueError as wrong:
        error = str(wrong)
    return {
        "models": models,
        "error": error,
        "private": spec.private,
        "cache_s": spec.cache_s,
        "purposes": dict(spec.routing.purposes) if spec.routing else {},
        "small_below": spec.routing.small_below if spec.routing else 0,
    }


def _marks(spec: AgentSpec) -> str:
    marks = ["private"] if spec.private else []
    marks += [f"cache {spec.cache_s:g} s"] if spec.cache_s else []
    return ", ".join(marks)
