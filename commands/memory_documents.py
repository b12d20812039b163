"""`memory add`: documents into an agent's memory, a passage at a time."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agents.reading.files import KINDS, UnreadableError, read
from agents.reading.passages import cut
from agents.registry import agents
from commands import console, options
from commands.errors import Exit, Misuse
from commands.memory_here import from_here
from commands.session import whoami
from domain.memory import Access, Memory, Reach, Scope, sound
from runtime.memory import Memories, Selection

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Text, Markdown, HTML, PDF.")]
Agent = Annotated[str, typer.Option("--agent", help="Which agent shall know it.")]
Tenant = Annotated[str, typer.Option("--tenant", help="For which tenant's runs.")]
Untrusted = Annotated[
    bool,
    typer.Option(
        "--untrusted",
        help="Strangers wrote it: what recalls it puts its writes before a person.",
        metavar="",
    ),
]


async def add(
    files: Files,
    *,
    agent: Agent,
    tenant: Tenant = "default",
    untrusted: Untrusted = False,
    by: options.By = "",
    json: options.Json = False,
) -> Exit:
    """Add documents to what an agent knows; one of the same name replaces the earlier one."""
    known = agents()
    if agent not in known:
        raise Misuse(f"unknown agent {agent!r}; there are {', '.join(sorted(known))}")
    scope = Scope.of(tenant, agent)
    if scope is None:
        raise Misuse(f"--tenant {tenant!r}: expected a name of 1 to 255 letters")
    if known[agent].memory is None:
        console.warn(f"agent {agent!r} has no memory policy: it will not be told of it")
    read_in = {path.name: _passages(path, scope) for path in files}
    kept: dict[str, int] = {}
    async with from_here(agent) as (memory, private):
        access = Access(scope=scope, by=by or whoami(), private=private)
        store, reach = memory.store, Reach(tenant=tenant, agent=agent)
        assert isinstance(store, Memories)  # noqa: S101 - `from_here` has made it
        for name, passages in read_in.items():
            await store.forget(reach, Selection(kinds=("passage",), source=name))
            said = {"by": sound(access.by, 255), "untrusted": untrusted}
            await memory.keep(access, [each.model_copy(update=said) for each in passages])
            kept[name] = len(passages)
    if json:
        console.emit({"agent": agent, "tenant": tenant, "passages": kept})
    for name, number in kept.items() if not json else ():
        console.out().print(f"{console.safe(name)}: {number:,} passages")
    return Exit.OK


def _passages(path: Path, scope: Scope) -> list[Memory]:
    """Return a document's passages, each with its place as its source.

    Raises:
        Misuse: It cannot be read.
    """
    if path.suffix.lower() not in KINDS:
        raise Misuse(f"{str(path)!r}: expected a file that ends in {', '.join(sorted(KINDS))}")
    try:
        text = read(path)
    except UnreadableError as error:
        raise Misuse(f"{str(path)!r}: {error}") from None
    now = datetime.now(UTC)
    return [
        Memory(
            id=scope.id_of("passage", path.name, each.id),
            kind="passage",
            scope=scope,
            text=each.text,
            source=f"{path.name}, {each.place}" if each.place else path.name,
            at=now,
        )
        for each in cut(text)
    ]
