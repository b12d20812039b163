"""`memory`: what is remembered from run to run: look at it, add documents, forget."""

from typing import Annotated, Any

import typer
from sqlalchemy import Insert

from commands import console, options, views
from commands.console import safe
from commands.errors import Exit, Misuse
from commands.groups import group
from commands.memory_documents import add
from commands.memory_here import from_here
from commands.session import whoami
from domain.contract import digest
from domain.memory import KINDS, Access, Found, Kind, Memory, MemoryPolicy, Reach, Scope
from runtime.database import opened
from runtime.memory import Memories, Selection
from runtime.operations import Operations, noted
from runtime.settings import Settings
from runtime.sweeping import sweep_memories

_MOST_SHOWN = 100  # characters of a text in a list
_MOST_WORDS = 20

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="As `list` shows them.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")]
Question = Annotated[str, typer.Argument(metavar="QUESTION", help="What an agent would ask.")]
Tenant = Annotated[str, typer.Option("--tenant", help="Whose memory.")]
OfAgent = Annotated[str, typer.Option("--agent", help="Of this agent; default: of all.")]
ThisAgent = Annotated[str, typer.Option("--agent", help="Whose memory is searched.")]
OfKind = Annotated[str, typer.Option("--kind", help=f"One of {', '.join(KINDS)}.")]
OfWho = Annotated[str, typer.Option("--by", help="Of this requester.")]
Source = Annotated[str, typer.Option("--source", help="From this file.")]
Most = Annotated[int, typer.Option("--most", min=1, help="So many at most.")]
Everything = Annotated[
    bool, typer.Option("--all", help="All of the tenant, or of its --agent.", metavar="")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Count, and forget nothing.", metavar="")]


async def list_memories(
    *,
    tenant: Tenant = "default",
    agent: OfAgent = "",
    kind: OfKind = "",
    by: OfWho = "",
    source: Source = "",
    most: Most = 50,
    json: options.Json = False,
) -> Exit:
    """List what is remembered for one tenant, newest first."""
    chosen = Selection(by=by, kinds=_kinds(kind), source=source)
    async with opened(Settings.load()) as database:
        memories, reach = Memories(database), Reach(tenant=tenant, agent=agent)
        found = await memories.list(reach, chosen, most)
        whole = await memories.count(reach, chosen)
    if json:
        console.emit([_row(each) for each in found])
        return Exit.OK
    if not found:
        console.note(f"nothing is remembered for tenant {tenant!r} that fits")
        return Exit.OK
    table = console.table("id", "kind", "agent", "by", "at", "what", "from")
    for each in found:
        table.add_row(
            each.id,
            each.kind,
            safe(each.scope.agent),
            safe(each.by),
            f"{each.at:%Y-%m-%d %H:%M}",
            safe(_short(each)),
            safe(_whence(each)),
        )
    console.out().print(table)
    if whole > len(found):
        console.note(f"{len(found)} of {whole:,}; --most shows more")
    return Exit.OK


async def show(memory_id: Id, tenant: Tenant = "default", json: options.Json = False) -> Exit:
    """Show one thing that is remembered, whole."""
    async with opened(Settings.load()) as database:
        found = await Memories(database).get(Reach(tenant=tenant), memory_id)
    if json:
        console.emit(_row(found))
    else:
        console.out().print(views.facts({name: safe(text) for name, text in _facts(found).items()}))
    return Exit.OK


async def search(
    question: Question,
    *,
    agent: ThisAgent = "assistant",
    tenant: Tenant = "default",
    relevance: Annotated[float, typer.Option("--relevance", min=0, max=1, help="The floor.")] = 0.3,
    most: Most = 5,
    json: options.Json = False,
) -> Exit:
    """Search facts and passages as an agent's `recall` does, and show how well each fits."""
    scope = Scope.of(tenant, agent)
    if scope is None:
        raise Misuse(f"--tenant {tenant!r} and --agent {agent!r}: names of 1 to 255 letters")
    policy = MemoryPolicy(knowledge=min(most, _MOST_WORDS), relevance=relevance)
    async with from_here(agent) as (memory, private):
        access = Access(scope=scope, policy=policy, private=private)
        found = await memory.knowledge(access, question)
    if json:
        console.emit([{**_row(each.memory), **_fit(each)} for each in found])
        return Exit.OK
    if not found:
        console.note("nothing fits; --relevance 0 shows whatever shares a word with it")
        return Exit.OK
    table = console.table("fits", "by", "id", "what", "from", right=("fits",))
    for each in found:
        shown = safe(each.memory.text), safe(each.memory.source)
        table.add_row(f"{each.relevance:.2f}", each.how, each.memory.id, *shown)
    console.out().print(table)
    return Exit.OK


async def forget(
    ids: Ids = None,
    *,
    tenant: Tenant = "default",
    agent: OfAgent = "",
    kind: OfKind = "",
    by: OfWho = "",
    source: Source = "",
    everything: Everything = False,
    dry_run: DryRun = False,
    json: options.Json = False,
) -> Exit:
    """Forget one thing, all of a requester, all from a file, or all of a tenant.

    It is deleted from the memory and its indexes at once. Runs that were told of it before, and
    their histories, are not changed.
    """
    if not (ids or by or source or kind or everything):
        raise Misuse("say what to forget: an ID, --by NAME, --source FILE, --kind KIND or --all")
    chosen = Selection(ids=ids or (), by=by, kinds=_kinds(kind), source=source)
    reach = Reach(tenant=tenant, agent=agent)
    async with opened(Settings.load()) as database:
        memories = Memories(database)
        for each in ids or ():
            await memories.get(reach, each)
        if not dry_run:
            # Before it: what is forgotten in part, since this was killed, was asked for.
            await Operations(database).note(_forgetting(reach, chosen))
        forget_them = memories.count if dry_run else memories.forget
        forgotten = await forget_them(reach, chosen)
    if json:
        console.emit({"forgotten": forgotten, "dry_run": dry_run})
    else:
        console.out().print(f"{'would forget' if dry_run else 'forgot'} {forgotten:,}")
    return Exit.OK


def _forgetting(reach: Reach, chosen: Selection) -> Insert:
    # Whose memories they were is what is to be forgotten: only its hash is kept.
    return noted(
        "memory.forget",
        reach.agent or "every agent",
        by=whoami(),
        tenant=reach.tenant,
        ids=list(chosen.ids),
        of_sha256=digest(chosen.by, length=64) if chosen.by else "",
        kinds=list(chosen.kinds),
        source=chosen.source,
    )


async def sweep(json: options.Json = False) -> Exit:
    """Delete what is remembered beyond its time, as workers do every hour."""
    settings = Settings.load()
    async with opened(settings) as database:
        swept = await sweep_memories(settings, database)
    if json:
        console.emit({"swept": swept})
    else:
        console.out().print(f"swept away {swept:,}")
        if settings.memory_retention is None:
            console.note("HOLDFAST_MEMORY_RETENTION is not set: only what expires by itself goes")
    return Exit.OK


def memory() -> typer.Typer:
    """Return the commands, put together."""
    return group(
        "What agents remember from run to run: look at it, add documents, forget.",
        {
            "list": list_memories,
            "show": show,
            "search": search,
            "add": add,
            "forget": forget,
            "sweep": sweep,
        },
    )


def _kinds(kind: str) -> tuple[Kind, ...]:
    found: tuple[Kind, ...] = tuple(each for each in KINDS if each == kind)
    if kind and not found:
        raise Misuse(f"--kind {kind!r}: expected one of {', '.join(KINDS)}")
    return found or KINDS


def _short(memory: Memory) -> str:
    text = f"{memory.topic}: {memory.text}" if memory.topic else memory.text
    text = " ".join(text.split())
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _whence(memory: Memory) -> str:
    whence = memory.episode.outcome if memory.episode else memory.source or memory.run_id
    return f"{whence} (strangers)" if memory.untrusted else whence


def _facts(memory: Memory) -> dict[str, str]:
    """Return what is shown of a memory, by its name; what is empty is left out."""
    found = {
        "memory": memory.id,
        "kind": memory.kind,
        "tenant": memory.scope.tenant,
        "agent": memory.scope.agent,
        "by": memory.by,
        "run": memory.run_id,
        "about": memory.topic,
        "text": memory.text,
        "source": memory.source,
        "strangers": "had a part in it" if memory.untrusted else "",
        "at": f"{memory.at:%Y-%m-%d %H:%M:%S} UTC",
        "expires": f"{memory.expires_at:%Y-%m-%d %H:%M} UTC" if memory.expires_at else "",
    }
    if (episode := memory.episode) is not None:
        found |= {
            "outcome": episode.outcome,
            "approach": ", ".join(episode.approach),
            "answer": episode.answer,
            "why": episode.reason,
            "corrections": "\n".join(episode.corrections),
            "cost": f"{episode.turns} turns, {episode.tokens:,} tokens, ${episode.cost_usd}",
        }
    return {name: text for name, text in found.items() if text}


def _row(memory: Memory) -> dict[str, Any]:
    row = console.plain(memory)
    return {**row.pop("scope"), **row}


def _fit(found: Found) -> dict[str, Any]:
    return {"relevance": round(found.relevance, 3), "how": found.how}
