"""`tokens`: who may come in by the HTTP service."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

import typer

from commands import console, options, views
from commands.console import safe
from commands.errors import Exit, Misuse
from commands.guard import guarded
from commands.kinds import startable
from commands.session import whoami
from domain.access import FLEET, OF_A_FLEET, ROLES, SCOPES
from runtime.database import opened
from runtime.settings import Settings
from runtime.tokens import Token, Tokens

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_MOST_DAYS = 3650
_ALL = "all"
_Word = TypeVar("_Word", bound=str)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Who comes in with it; signs what they decide.")
]
TokenId = Annotated[str, typer.Argument(metavar="ID", help="The token, as `list` shows it.")]
Roles = Annotated[
    str,
    typer.Option("--role", help=f"What it is for, of {', '.join(ROLES)}; comma-separated."),
]
Scopes = Annotated[
    str,
    typer.Option("--scope", help=f"Or singly what it may do, of {', '.join(SCOPES)}."),
]
Fleet = Annotated[
    bool, typer.Option("--fleet", help="It operates on the runs of all tenants.", metavar="")
]
Days = Annotated[
    int, typer.Option("--days", min=0, max=_MOST_DAYS, help="How long it is good; 0 for ever.")
]
Workflows = Annotated[
    list[str] | None,
    typer.Option(
        "--workflow",
        metavar="NAME",
        help="What it may start, repeatable; `all` for everything. Default: agent.",
    ),
]


async def add_token(
    name: Name,
    *,
    tenant: options.Tenant = "default",
    role: Roles = "",
    scope: Scopes = "",
    fleet: Fleet = False,
    days: Days = 365,
    workflow: Workflows = None,
    by: options.By = "",
    json: options.Json = False,
) -> Exit:
    """Make a token and print it: this once, since only its hash is kept."""
    now = datetime.now(UTC)
    async with opened(Settings.load()) as database:
        token, text = await Tokens(database).add(
            name=_fitting("NAME", name),
            tenant=FLEET if fleet else _fitting("--tenant", tenant),
            scopes=_may(role, scope, fleet=fleet),
            workflows=_workflows(workflow or []),
            expires_at=now + timedelta(days=days) if days else None,
            by=by or whoami(),
        )
    if json:
        console.emit(_row(token, now) | {"token": text})
    else:
        console.out().print(text, soft_wrap=True)
        until = f"until {token.expires_at:%Y-%m-%d}" if token.expires_at else "for ever"
        console.note(
            f"token {token.id}: {token.name} of {_whose(token)} may {', '.join(token.scopes)} "
            f"{until}{_of(token)}; it is not shown again"
        )
        if {"start", "approve"} <= set(token.scopes):
            console.warn("it starts and approves; what it has started, another has to approve")
    return Exit.OK


async def list_tokens(json: options.Json = False) -> Exit:
    """List tokens, newest first; never their text."""
    now = datetime.now(UTC)
    async with opened(Settings.load()) as database:
        found = await Tokens(database).list()
    if json:
        console.emit([_row(token, now) for token in found])
    elif found:
        table = console.table("id", "name", "tenant", "may", "workflows", "state", "until")
        for token in found:
            until = f"{token.expires_at:%Y-%m-%d}" if token.expires_at else "for ever"
            may, workflows = ", ".join(token.scopes), ", ".join(token.workflows) or "all"
            table.add_row(
                token.id, safe(token.name), safe(_whose(token)), may, workflows,
                views.state(_state(token, now)), until,
            )  # fmt: skip
        console.out().print(table)
    else:
        console.note("no tokens; make one with `python starter.py tokens add NAME --role ...`")
    return Exit.OK


async def revoke_token(token_id: TokenId, by: options.By = "", json: options.Json = False) -> Exit:
    """End a token, in every copy of the service, from the next request on."""
    async with opened(Settings.load()) as database:
        token = await Tokens(database).revoke(token_id, by=by or whoami())
    if json:
        console.emit(_row(token, datetime.now(UTC)))
    else:
        console.out().print(f"revoked {token.id} of {safe(token.name)}")
    return Exit.OK


def tokens() -> typer.Typer:
    """Return the sub-commands."""
    app = typer.Typer(help="Who may come in by `serve`.", no_args_is_help=True)
    app.command("add")(guarded(add_token))
    app.command("new", hidden=True)(guarded(add_token))
    app.command("list")(guarded(list_tokens))
    app.command("revoke")(guarded(revoke_token))
    return app


def _fitting(what: str, text: str) -> str:
    if not _NAME.fullmatch(text):
        raise Misuse(f"{what} {text[:80]!r}: expected at most 64 letters, digits and . _ @ -")
    return text


def _may(role: str, scope: str, *, fleet: bool) -> tuple[str, ...]:
    """Return the scopes of some roles and those that are named singly; `read` where none is."""
    roles, singly = _named("--role", role, ROLES), _named("--scope", scope, SCOPES)
    wanted = {part for each in roles for part in ROLES[each]} | set(singly) or {"read"}
    if fleet and (more := sorted(wanted - OF_A_FLEET)):
        raise Misuse(
            f"--fleet: a token of all tenants cannot {' or '.join(more)}; it may have "
            f"{', '.join(each for each in SCOPES if each in OF_A_FLEET)}: --fleet --role operator"
        )
    return tuple(each for each in SCOPES if each in wanted)


def _named(option: str, given: str, known: Iterable[_Word]) -> list[_Word]:
    there = {str(each): each for each in known}
    parts = [part.strip() for part in given.split(",") if part.strip()]
    if unknown := [part for part in parts if part not in there]:
        raise Misuse(f"{option} {unknown[0]!r}: expected one or more of {', '.join(there)}")
    return [there[part] for part in parts]


def _whose(token: Token) -> str:
    return "all tenants" if token.tenant == FLEET else token.tenant


def _workflows(given: list[str]) -> tuple[str, ...]:
    """Return what may be started; nothing stands for everything.

    Some workflows read any file that the worker can, one runs a command: never by default.
    """
    there = sorted(startable())
    for name in given:
        if name not in {*there, _ALL}:
            raise Misuse(f"--workflow {name!r}: expected {_ALL} or one of {', '.join(there)}")
    return () if _ALL in given else tuple(given or ["agent"])


def _of(token: Token) -> str:
    if "start" not in token.scopes:
        return ""
    return f", and start {', '.join(token.workflows) or 'every workflow'}"


def _state(token: Token, now: datetime) -> str:
    return "good" if token.is_good(now) else "revoked" if token.revoked_at else "expired"


def _row(token: Token, now: datetime) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "tenant": token.tenant,
        "scopes": list(token.scopes),
        "workflows": list(token.workflows),
        "state": _state(token, now),
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        "revoked_at": token.revoked_at.isoformat() if token.revoked_at else None,
    }
