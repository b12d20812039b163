#!/usr/bin/env python
"""The command line: starts runs, shows them, and answers what they ask.

Exit codes: 0 well, 1 failed, 2 misuse, 3 waits for a person, 130 interrupted.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final

import typer

from commands.a2a_serving import a2a
from commands.answers import cache
from commands.approvals import approvals, approve, modify, reject
from commands.artifacts import artifacts
from commands.audit import audit
from commands.batch import batch
from commands.breakers import breakers
from commands.caps import caps
from commands.chain import chain
from commands.dead_letters import letters
from commands.demo import demo
from commands.doctor import doctor
from commands.guard import guarded
from commands.halting import halt, halts, unhalt
from commands.mcp_serving import group as mcp
from commands.memory import memory
from commands.orchestrate import orchestrate
from commands.prompts import prompts
from commands.repair import repair
from commands.report import report
from commands.research import research
from commands.resume import fork, resume
from commands.review import review
from commands.routes import routes
from commands.run import run
from commands.runs import cancel, list_runs, show
from commands.serve import serve
from commands.standing import standing
from commands.stops import abort, retry, skip
from commands.tokens import tokens
from commands.triage import triage
from commands.up import up
from commands.verify import verify
from commands.watch import watch
from commands.workers import workers

Command = Callable[..., Coroutine[Any, Any, Any]]

COMMANDS: Final[dict[str, dict[str, Command]]] = {
    "Serve": {"up": up, "serve": serve, "a2a": a2a, "demo": demo, "doctor": doctor},
    "Start": {
        "audit": audit,
        "chain": chain,
        "orchestrate": orchestrate,
        "repair": repair,
        "research": research,
        "run": run,
    },
    "See": {
        "list": list_runs,
        "show": show,
        "watch": watch,
        "report": report,
        "verify": verify,
        "workers": workers,
        "routes": routes,
    },
    "Decide": {"approvals": approvals, "approve": approve, "reject": reject, "modify": modify},
    "Go on": {
        "retry": retry,
        "skip": skip,
        "abort": abort,
        "resume": resume,
        "fork": fork,
        "cancel": cancel,
    },
    "Stop": {"halts": halts},
}


def build() -> typer.Typer:
    """Return the command line, put together."""
    app = typer.Typer(
        help=__doc__, no_args_is_help=True, add_completion=False, rich_markup_mode="rich"
    )
    for panel, commands in COMMANDS.items():
        for name, command in commands.items():
            app.command(name, rich_help_panel=panel)(guarded(command))
    app.add_typer(letters(), name="dead-letters", rich_help_panel="Go on")
    app.add_typer(batch(), name="batch", rich_help_panel="Start")
    app.add_typer(triage(), name="triage", rich_help_panel="Start")
    app.add_typer(review(), name="review", rich_help_panel="Decide")
    app.add_typer(prompts(), name="prompts", rich_help_panel="See")
    app.add_typer(standing(), name="standing", rich_help_panel="Decide")
    app.add_typer(breakers(), name="breakers", rich_help_panel="Stop")
    app.add_typer(halt(), name="halt", rich_help_panel="Stop")
    app.add_typer(unhalt(), name="unhalt", rich_help_panel="Stop")
    app.add_typer(caps(), name="caps", rich_help_panel="Serve")
    app.add_typer(cache(), name="cache", rich_help_panel="Serve")
    app.add_typer(tokens(), name="tokens", rich_help_panel="Serve")
    app.add_typer(mcp(), name="mcp", rich_help_panel="Serve")
    app.add_typer(memory(), name="memory", rich_help_panel="See")
    app.add_typer(artifacts(), name="artifacts", rich_help_panel="Serve")
    return app


if __name__ == "__main__":
    build()()
