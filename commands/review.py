"""`review`: decisions that ran alone, drawn by chance, for a person to accept or correct."""

from dataclasses import asdict
from typing import Annotated

import typer

from commands import console, options, views
from commands.console import safe
from commands.errors import Exit, Misuse
from commands.groups import group
from commands.session import whoami
from domain.ticket import TicketKey
from runtime.database import Database, opened
from runtime.reviews import Review, Reviews
from runtime.settings import Settings
from runtime.tickets import Tickets

ReviewId = Annotated[
    str, typer.Option("--id", metavar="ID", help="The decision; default: the one last shown.")
]
Category = Annotated[str, typer.Argument(metavar="CATEGORY", help="What the ticket is about.")]
Reply = Annotated[str, typer.Option("--reply", help="What should have been said.")]


async def show_next(
    tenant: options.Tenant = "default", by: options.By = "", json: options.Json = False
) -> Exit:
    """Show the decision that waits longest for a review."""
    async with opened(Settings.load()) as database:
        found = await Reviews(database).next(tenant, by or whoami())
    if json:
        console.emit(asdict(found) if found else None)
    elif found is None:
        console.note("nothing is to be reviewed; `triage schedule` draws decisions every day")
    else:
        _show(found)
    return Exit.OK


async def accept(
    review_id: ReviewId = "",
    tenant: options.Tenant = "default",
    by: options.By = "",
    json: options.Json = False,
) -> Exit:
    """Say that the decision was right."""
    async with opened(Settings.load()) as database:
        return await _judge(database, review_id, tenant, by or whoami(), as_json=json)


async def correct(
    category: Category,
    *,
    reply: Reply = "",
    review_id: ReviewId = "",
    tenant: options.Tenant = "default",
    by: options.By = "",
    json: options.Json = False,
) -> Exit:
    """Say what the category should have been; tickets like it are known better from now on."""
    async with opened(Settings.load()) as database:
        return await _judge(
            database, review_id, tenant, by or whoami(), category, reply, as_json=json
        )


def review() -> typer.Typer:
    """Return the group of commands."""
    return group(
        "Review decisions that ran alone: accept them, or correct them.",
        {"next": show_next, "accept": accept, "correct": correct},
    )


async def _judge(
    database: Database,
    review_id: str,
    tenant: str,
    by: str,
    *corrected: str,
    as_json: bool,
) -> Exit:
    reviews = Reviews(database)
    found = await reviews.get(review_id) if review_id else await reviews.shown(tenant, by)
    if found is None:
        raise Misuse(
            "no decision was shown to you that waits still; see one with "
            "`python starter.py review next`, or name one with --id"
        )
    category, reply = corrected or ("", "")
    if category:
        await _check(database, found, category, tenant, reply)
    wrong = category if category != found.category else ""
    withdrawn = await reviews.judge(found, tenant, by, corrected=wrong, reply=reply)
    rates = (await reviews.rates()).get(tenant)
    if as_json:
        state = "corrected" if category else "accepted"
        told = {"id": found.id, "state": state, "withdrawn": withdrawn}
        console.emit({**told, **(asdict(rates) if rates else {})})
        return Exit.OK
    what = f"corrected to {safe(category)}" if category else "accepted"
    console.out().print(f"[green]✓[/] ticket {safe(found.ticket)}: {what}")
    if withdrawn:
        console.warn(f"the standing approval {found.standing} is withdrawn: {withdrawn}")
    if rates is not None:
        console.note(f"{rates.open:,} wait for a review still")
    return Exit.OK


async def _check(database: Database, found: Review, category: str, tenant: str, reply: str) -> None:
    """Refuse a correction that corrects nothing, or to a category that there is not.

    Raises:
        Misuse: Says which there are.
    """
    key = TicketKey(triage=found.triage, number=found.number)
    ticket = await Tickets(database).get(key, tenant)
    known = sorted(ticket.taxonomy.categories) if ticket else []
    if known and category not in known:
        raise Misuse(f"there is no category {category!r}; there are {', '.join(known)}")
    if category == found.category and not reply:
        raise Misuse(
            f"the decision has the category {category!r} already; `review accept` says that it "
            "was right, --reply says what should have been said"
        )


def _show(found: Review) -> None:
    facts = {
        "decision": f"{found.id}, of {found.day}",
        "ticket": safe(f"{found.ticket}  {found.subject}"),
        "account": safe(found.account),
        "text": safe(found.text),
        "category": f"[bold]{safe(found.category)}[/]  claimed {found.confidence:.2f}, "
        f"by {found.source}",
        "reply": safe(found.reply),
        "run": safe(found.run_id),
        "ran under": f"standing approval {found.standing}" if found.standing else "",
    }
    console.out().print(views.facts(facts))
    console.note("python starter.py review accept, or: review correct CATEGORY [--reply TEXT]")
