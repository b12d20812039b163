"""`standing`: a person's yes to a tool's calls to come, limited and revocable."""

import secrets
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from agents.registry import agents
from commands import console, options
from commands.console import safe
from commands.errors import Exit, Misuse
from commands.groups import group
from commands.session import whoami
from domain.standing import Grant, Standing, Terms
from runtime.database import opened
from runtime.settings import Settings
from runtime.standing import StandingApprovals

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="Whose tool it is.")]
Tool = Annotated[str, typer.Argument(metavar="TOOL", help="Calls of this tool run unasked.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="As `standing list` shows it.")]
Uses = Annotated[int, typer.Option("--uses", min=1, help="Calls that it covers.")]
Hours = Annotated[float, typer.Option("--hours", min=0.01, help="How long it holds.")]
MaxErrorRate = Annotated[
    float,
    typer.Option("--max-error-rate", min=0, max=1, help="Above it, as reviewed: withdrawn."),
]
MinReviews = Annotated[
    int, typer.Option("--min-reviews", min=1, help="Reviews before the rate counts.")
]
Ended = Annotated[
    bool, typer.Option("--all", "-a", help="Also those that hold no longer.", metavar="")
]
Every = Annotated[str, typer.Option("--tenant", help="Of this tenant; default: of all.")]


def new_grant(
    tool: tuple[str, str], terms: Terms, *, tenant: str, by: str, reason: str = "", id: str = ""
) -> Grant:
    """Return a grant for a tool, named by its agent and itself; the same id twice is one."""
    agent, name = tool
    return Grant(
        id=id or secrets.token_hex(6),
        tenant=tenant,
        agent=agent,
        tool=name,
        by=by,
        reason=reason,
        terms=terms,
        at=datetime.now(UTC),
    )


async def grant(
    agent: Agent,
    tool: Tool,
    *,
    uses: Uses = 1_000,
    hours: Hours = 24,
    max_error_rate: MaxErrorRate = 0.1,
    min_reviews: MinReviews = 10,
    tenant: options.Tenant = "default",
    reason: options.Reason = "",
    by: options.By = "",
    json: options.Json = False,
) -> Exit:
    """Let calls of a tool run without asking, so many and so long."""
    _known(agent, tool)
    terms = Terms(uses=uses, hours=hours, max_error_rate=max_error_rate, min_reviews=min_reviews)
    given = new_grant((agent, tool), terms, tenant=tenant, by=by or whoami(), reason=reason)
    async with opened(Settings.load()) as database:
        standing = await StandingApprovals(database).grant(given)
    return _told(standing, as_json=json)


async def list_standing(
    ended: Ended = False, tenant: Every = "", json: options.Json = False
) -> Exit:
    """List standing approvals, newest first."""
    async with opened(Settings.load()) as database:
        found = await StandingApprovals(database).list(tenant, ended=ended)
    if json:
        console.emit([_row(each) for each in found])
        return Exit.OK
    if not found:
        console.note("no standing approval holds; --all shows those that did")
        return Exit.OK
    right = ("left", "reviewed", "wrong")
    table = console.table(
        "id", "state", "tool", "tenant", "by", *right, "until", "why", right=right
    )
    for each in found:
        table.add_row(
            each.id,
            each.state,
            safe(f"{each.agent}.{each.tool}"),
            safe(each.tenant),
            safe(each.by),
            f"{each.left:,} of {each.terms.uses:,}",
            f"{each.reviewed:,}",
            "" if each.error_rate is None else f"{each.error_rate:.0%}",
            f"{each.expires_at:%Y-%m-%d %H:%M} UTC",
            safe(each.ended_why or each.reason),
        )
    console.out().print(table)
    return Exit.OK


async def revoke(
    standing_id: Id,
    reason: options.Reason = "",
    by: options.By = "",
    json: options.Json = False,
) -> Exit:
    """End a standing approval at once; calls from now on ask again."""
    async with opened(Settings.load()) as database:
        ended = await StandingApprovals(database).revoke(standing_id, by or whoami(), reason)
    return _told(ended, as_json=json)


def standing() -> typer.Typer:
    """Return the group of commands."""
    return group(
        "Standing approvals: say yes beforehand, within limits.",
        {"grant": grant, "list": list_standing, "revoke": revoke},
    )


def _known(agent: str, tool: str) -> None:
    """Refuse a tool that no gate would ever ask about.

    Raises:
        Misuse: There is no such agent, or it has no such tool that writes.
    """
    known = agents()
    if agent not in known:
        raise Misuse(f"unknown agent {agent!r}; there are {', '.join(sorted(known))}")
    tools = [*known[agent].tools, *known[agent].workflow_tools]
    writing = sorted(each.spec.name for each in tools if each.spec.writes)
    if tool not in writing:
        raise Misuse(
            f"agent {agent!r} has no tool {tool!r} that writes; it has {writing or 'none'}"
        )


def _told(standing: Standing, *, as_json: bool) -> Exit:
    if as_json:
        console.emit(_row(standing))
    else:
        console.out().print(
            f"standing approval {standing.id} for {safe(standing.agent)}.{safe(standing.tool)}: "
            f"{standing.state}, {standing.left:,} of {standing.terms.uses:,} calls left, until "
            f"{standing.expires_at:%Y-%m-%d %H:%M} UTC"
        )
    return Exit.OK


def _row(standing: Standing) -> dict[str, Any]:
    return {
        **console.plain(standing),
        "left": standing.left,
        "error_rate": standing.error_rate,
    }
