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
from commands.audit_log import audit_log
from commands.batch import batch
from commands.breakers import breakers
from commands.caps import caps
from commands.chain import chain
from commands.codec_serving import codec
from commands.compare import compare_runs
from commands.dead_letters import letters
from commands.demo import demo
from commands.deploys import deploys
from commands.doctor import doctor
from commands.evals.command import evals
from commands.guard import guarded
from commands.halting import halt, halts, unhalt
from commands.keys import keys
from commands.mcp_serving import group as mcp
from commands.memory import memory
from commands.migrate import migrate
from commands.orchestrate import orchestrate
from commands.prompts import prompts
from commands.recover import recover
from commands.repair import repair
from commands.replay import replay
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
from commands.top import top
from commands.triage import triage
from commands.up import up
from commands.verify import verify
from commands.watch import watch
from commands.workers import workers

Command = Callable[..., Coroutine[Any, Any, Any]]

COMMANDS: Final[dict[str, dict[str, Command]]] = {
    "Serve": {
        "up": up,
        "serve": serve,
        "a2a": a2a,
        "codec": codec,
        "demo": demo,
        "doctor": doctor,
        "migrate": migrate,
        "recover": recover,
    },
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
        "top": top,
        "report": report,
        "compare": compare_runs,
        "verify": verify,
        "workers": workers,
        "routes": routes,
        "replay": replay,
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

GROUPS: Final[dict[str, dict[str, Callable[[], typer.Typer]]]] = {
    "Serve": {
        "deploys": deploys,
        "caps": caps,
        "cache": cache,
        "tokens": tokens,
        "keys": keys,
        "mcp": mcp,
        "artifacts": artifacts,
    },
    "Start": {"batch": batch, "triage": triage},
    "See": {"audit-log": audit_log, "prompts": prompts, "memory": memory, "eval": evals},
    "Decide": {"review": review, "standing": standing},
    "Go on": {"dead-letters": letters},
    "Stop": {"breakers": breakers, "halt": halt, "unhalt": unhalt},
}


def build() -> typer.Typer:
    """Return the command line, put together."""
    app = typer.Typer(
        help=__doc__, no_args_is_help=True, add_completion=False, rich_markup_mode="rich"
    )
    for panel, commands in COMMANDS.items():
        for name, command in commands.items():
            app.command(name, rich_help_panel=panel)(guarded(command))
    for panel, groups in GROUPS.items():
        for name, group in groups.items():
            app.add_typer(group(), name=name, rich_help_panel=panel)
    return app


if __name__ == "__main__":
    build()()
