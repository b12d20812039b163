"""`caps`: what a tenant may spend in a day or a month; held where each model call is reserved."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from commands import console, options
from commands.console import safe
from commands.errors import Exit, Misuse
from commands.groups import group
from commands.session import whoami
from runtime.caps import Cap, Caps, Period
from runtime.database import opened
from runtime.settings import Settings

Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="Whose spend is capped.")]
Per = Annotated[
    Period, typer.Option("--per", help="day or month, as UTC counts them.", metavar="PERIOD")
]
Usd = Annotated[float | None, typer.Option("--usd", min=0, help="US dollars in the period.")]
Tokens = Annotated[int | None, typer.Option("--tokens", min=0, help="Tokens in the period.")]
Every = Annotated[str, typer.Option("--tenant", help="Of this tenant; default: of all.")]
_LONGEST: Final = 255


async def set_cap(
    tenant: Tenant,
    *,
    per: Per = "month",
    usd: Usd = None,
    tokens: Tokens = None,
    by: options.By = "",
    json: options.Json = False,
) -> Exit:
    """Cap a tenant's spend, in place of its cap for the same period."""
    if usd is None and tokens is None:
        raise Misuse(f"what may {tenant!r} spend? give --usd, --tokens or both")
    if not tenant.strip() or len(tenant) > _LONGEST:
        raise Misuse(f"tenant {tenant[:40]!r}: expected 1 to {_LONGEST} characters")
    async with opened(Settings.load()) as database:
        cap = await Caps(database).set(
            tenant, per, tokens=tokens, cost_usd=options.usd(usd), by=by or whoami()
        )
    if json:
        console.emit(_row(cap))
        return Exit.OK
    console.out().print(
        f"tenant {safe(tenant)} may spend {_amounts(cap)} a {per}; used: {_used(cap)}"
    )
    if _over(cap):
        console.warn(
            f"that is used up: its runs stop before their next model call until {_end(cap)}"
        )
    else:
        console.note("runs that stopped on a cap go on with: python starter.py retry RUN")
    return Exit.OK


async def list_caps(tenant: Every = "", json: options.Json = False) -> Exit:
    """List the caps, with what is used of each in the present day or month."""
    async with opened(Settings.load()) as database:
        found = await Caps(database).list(tenant)
    if json:
        console.emit([_row(each) for each in found])
    elif not found:
        console.note("no tenant is capped; python starter.py caps set TENANT --usd 5 --per day")
    else:
        console.out().print(_table(found))
    return Exit.OK


async def remove(
    tenant: Tenant, *, per: Per = "month", by: options.By = "", json: options.Json = False
) -> Exit:
    """Take a cap away."""
    async with opened(Settings.load()) as database:
        removed = await Caps(database).remove(tenant, per, by=by or whoami())
    if json:
        console.emit({"tenant": tenant, "per": per, "removed": removed})
    elif removed:
        console.out().print(f"tenant {safe(tenant)} has no cap a {per} any more")
    if removed:
        return Exit.OK
    raise Misuse(f"tenant {tenant!r} has no cap a {per}; `caps list` shows what there is")


def caps() -> typer.Typer:
    """Return the group of commands."""
    return group(
        "What tenants may spend on models in a day or a month.",
        {"set": set_cap, "list": list_caps, "remove": remove},
    )


def _table(found: Sequence[Cap]) -> Any:
    table = console.table("tenant", "per", "cap", "used", "until", "set by", "at")
    for cap in found:
        used = f"[yellow]{_used(cap)}[/]" if _over(cap) else _used(cap)
        table.add_row(
            safe(cap.tenant),
            cap.period,
            _amounts(cap),
            used,
            _end(cap),
            safe(cap.set_by),
            f"{cap.set_at:%Y-%m-%d %H:%M} UTC",
        )
    return table


def _amounts(cap: Cap) -> str:
    usd = [] if cap.cost_usd is None else [f"{cap.cost_usd:,} USD"]
    tokens = [] if cap.tokens is None else [f"{cap.tokens:,} tokens"]
    return " and ".join([*usd, *tokens])


def _used(cap: Cap) -> str:
    return f"{cap.used_cost_usd:,.4f} USD, {cap.used_tokens:,} tokens"


def _over(cap: Cap) -> bool:
    """Whether no call fits any more, however small."""
    tokens = cap.tokens is not None and cap.used_tokens >= cap.tokens
    return tokens or (cap.cost_usd is not None and cap.used_cost_usd >= cap.cost_usd)


def _end(cap: Cap) -> str:
    """Return when the present period ends."""
    now = datetime.now(UTC)
    if cap.period == "day":
        return f"{now:%Y-%m-%d} 24:00 UTC"
    year, month = (now.year + 1, 1) if now.month == 12 else (now.year, now.month + 1)  # noqa: PLR2004
    return f"{year}-{month:02}-01 00:00 UTC"


def _row(cap: Cap) -> dict[str, Any]:
    return {
        "tenant": cap.tenant,
        "per": cap.period,
        "cost_usd": cap.cost_usd,
        "tokens": cap.tokens,
        "used_cost_usd": cap.used_cost_usd,
        "used_tokens": cap.used_tokens,
        "used_up": _over(cap),
        "set_by": cap.set_by,
        "set_at": cap.set_at,
    }
