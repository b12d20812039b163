"""`python -m bench.tenants`: random reads of many tenants' memories; counts what crosses.

Each read is one tenant's agent's, made in one of the ways there are: a search by words or with
embeddings, the message that a run begins with, the `recall` tool, preferences, an id (its own or
another's), an operator's list and command. What comes back is looked at for the marks of others;
and, on SQLite, compared with what the same read brings where nobody else's memory exists.
"""

import argparse
import asyncio
import io
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from activities.memory import MemoryActivities, Remembrance, RunMemory
from activities.transcripts import Transcripts
from agents.memory import recall
from agents.toolkit import ToolContext
from bench.tenants_world import MARK, REQUESTERS, World
from commands.memory import list_memories, show
from domain.memory import KINDS, Access, Memory, MemoryPolicy, Reach, RecallRequest, Scope, Vector
from runtime.database import Database
from runtime.memory import Memories, MemoryNotFound, Selection
from runtime.offline.embeddings import vector

Read = Callable[[Scope], Awaitable[str]]
_POLICY = MemoryPolicy(episodes=20, knowledge=20, relevance=0, similarity=0, told_bytes=100_000)


class HashedWords:
    """The stand-in's embeddings, without its server."""

    local = True

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return hashed bags of words."""
        return [Vector("hashed", tuple(vector(text))) for text in texts]

    async def close(self) -> None:
        """Nothing is open."""


class Reader:
    """Makes reads of one database, and says what each brought, as text."""

    def __init__(self, world: World, database: Database, *, embeddings: bool) -> None:
        self._world = world
        self.store = Memories(database)
        self._memory = Remembrance(self.store, HashedWords() if embeddings else None)

    async def fill(self, scopes: Iterable[Scope]) -> None:
        """Keep what these remember."""
        for scope in scopes:
            await self._memory.keep(self._access(scope), self._world.memories[scope])

    def _access(self, scope: Scope, by: str = "ada") -> Access:
        return Access(scope=scope, by=by, policy=_POLICY)

    async def search(self, scope: Scope, question: str, by: str) -> str:
        """Search facts, passages and episodes."""
        access = self._access(scope, by)
        known = await self._memory.knowledge(access, question)
        done = await self._memory.episodes(access, question)
        return _told([(each.memory, each.relevance) for each in (*known, *done)])

    async def begin(self, scope: Scope, question: str, by: str) -> str:
        """Return the message that a run with this task begins with."""
        activities = MemoryActivities(self._memory, Transcripts())
        found = await activities.recall(
            RecallRequest(access=self._access(scope, by), task=question)
        )
        return found.text

    async def tool(self, scope: Scope, question: str, by: str) -> str:
        """Call `recall` as a model does."""
        lent = RunMemory(self._memory, self._access(scope, by), "run")
        context = ToolContext(run_id="run", tenant=scope.tenant, key="", data={}, memory=lent)
        return await recall(context, {"question": question[:4_000]})

    async def preferences(self, scope: Scope, question: str, by: str) -> str:
        """Return what a requester prefers, whose name others have too."""
        found = await self._memory.preferences(self._access(scope, by))
        assert all(each.by == by for each in found), (by, found)  # noqa: S101 - it is measured
        return _told([(each, 1) for each in found])

    async def by_id(self, scope: Scope, question: str, by: str) -> str:
        """Ask for an id: one's own, another's, or one that is made up."""
        world = self._world
        other = world.rng.choice([scope, world.rng.choice(world.scopes)])
        wanted = world.rng.choice([world.rng.choice(world.memories[other]).id, "%", "0" * 24])
        try:
            found = await self.store.get(Reach(tenant=scope.tenant, agent=scope.agent), wanted)
        except MemoryNotFound:
            return ""
        return _told([(found, 1)])

    async def listed(self, scope: Scope, question: str, by: str) -> str:
        """List what an operator sees, selected in one of the ways there are."""
        rng = self._world.rng
        selections = (
            Selection(),
            Selection(by=by),
            Selection(kinds=[rng.choice(KINDS)]),
            Selection(source=f"file of {self._world.mark(rng.choice(self._world.scopes))}"),
            Selection(source="%"),
        )
        reach = Reach(tenant=scope.tenant, agent=scope.agent)
        return _told([(each, 1) for each in await self.store.list(reach, rng.choice(selections))])

    async def command(self, scope: Scope, question: str, by: str) -> str:
        """Run `memory list` or `memory show` with another's id."""
        world, said = self._world, io.StringIO()
        other = world.rng.choice(world.memories[world.rng.choice(world.scopes)]).id
        with redirect_stdout(said), redirect_stderr(io.StringIO()):
            if world.rng.randrange(2):
                await list_memories(tenant=scope.tenant, agent=scope.agent, json=True)
            else:
                try:
                    await show(other, tenant=scope.tenant, json=True)
                except MemoryNotFound:
                    return ""
                return "" if scope.tenant == self._tenant_of(other) else said.getvalue()
        return said.getvalue()

    def _tenant_of(self, memory_id: str) -> str:
        """Return whose an id is: an operator's command reaches a whole tenant."""
        found = (m for each in self._world.memories.values() for m in each if m.id == memory_id)
        return next(found).scope.tenant


def _told(found: Sequence[tuple[Memory, float]]) -> str:
    shown = [
        {"of": [m.scope.tenant, m.scope.agent], "id": m.id, "text": m.text, "fits": round(fits, 12)}
        for m, fits in found
    ]
    return json.dumps(shown) if shown else ""


class Count:
    """What the reads came to."""

    def __init__(self) -> None:
        self.reads: Counter[str] = Counter()
        self.brought: Counter[str] = Counter()
        self.crossed: Counter[str] = Counter()
        self.differed: Counter[str] = Counter()
        self.first = ""

    def note(self, how: str, scope: Scope, said: str, marks: dict[str, Scope]) -> None:
        """Look at what a read has brought."""
        self.reads[how] += 1
        foreign = [mark for mark in MARK.findall(said) if marks.get(mark) != scope]
        self.brought[how] += bool(said and MARK.search(said))
        if foreign:
            self.crossed[how] += 1
            self.first = self.first or f"{how} of {scope!r} brought {foreign[0]}: {said[:300]}"


def _plain(reader: Reader) -> dict[str, tuple[int, Callable[[Scope, str, str], Awaitable[str]]]]:
    """Return the ways to read, with how often each is taken; the first two can be compared."""
    return {
        "search": (30, reader.search),
        "begin of a run": (20, reader.begin),
        "recall tool": (20, reader.tool),
        "preferences": (10, reader.preferences),
        "by id": (10, reader.by_id),
        "list": (8, reader.listed),
        "command": (2, reader.command),
    }


async def measure(world: World, database: Database, folder: Path, reads: int) -> Count:
    """Make the reads, half of them with embeddings."""
    count = Count()
    plain = Reader(world, database, embeddings=False)
    meaning = Reader(world, database, embeddings=True)
    await meaning.fill(world.scopes)
    alone = await _alone(world, folder) if database.url.get_backend_name() == "sqlite" else {}
    for _ in range(reads):
        reader = world.rng.choice((plain, meaning))
        ways = _plain(reader)
        how = world.rng.choices(list(ways), [weight for weight, _ in ways.values()])[0]
        scope, by = world.rng.choice(world.scopes), world.rng.choice(REQUESTERS)
        question = world.question(scope)
        said = await ways[how][1](scope, question, by)
        count.note(how, scope, _without(said, question), world.marks)
        if how in {"search", "begin of a run", "recall tool"} and alone:
            other = alone[scope][reader is meaning]
            if await _plain(other)[how][1](scope, question, by) != said:
                count.differed[how] += 1
    return count


def _without(said: str, question: str) -> str:
    """Return what came back without the question itself, which may name others."""
    return said.replace(question, "").replace(json.dumps(question)[1:-1], "")


async def _alone(world: World, folder: Path) -> dict[Scope, tuple[Reader, Reader]]:
    """Return readers of databases in which each is alone."""
    empty = folder / "empty.db"
    first = Database(f"sqlite:///{empty}")
    await first.migrate()
    await first.close()
    found: dict[Scope, tuple[Reader, Reader]] = {}
    for number, scope in enumerate(world.scopes):
        own = folder / f"{number}.db"
        copyfile(empty, own)
        database = Database(f"sqlite:///{own}")
        found[scope] = (
            Reader(world, database, embeddings=False),
            Reader(world, database, embeddings=True),
        )
        await found[scope][1].fill([scope])
    return found


async def _is_used(database: Database, world: World) -> bool:
    tenants = {scope.tenant for scope in world.scopes}
    return any([await Memories(database).count(Reach(tenant=tenant)) for tenant in tenants])


def show_count(count: Count, world: World, seconds: float) -> None:
    """Print the figures."""
    console, right = Console(highlight=False), ("reads", "brought something", "crossed")
    table = Table(box=None)
    table.add_column("way")
    for name in (*right, "differ from alone"):
        table.add_column(name, justify="right")
    for how, number in count.reads.most_common():
        found = (number, count.brought[how], count.crossed[how], count.differed[how])
        table.add_row(how, *(f"{each:,}" for each in found))
    console.print(table)
    kept = sum(map(len, world.memories.values()))
    console.print(
        f"{count.reads.total():,} reads over {world.tenants} tenants with {kept:,} memories, "
        f"seed {world.seed}, {seconds:.0f} s: {count.crossed.total()} crossed, "
        f"{count.differed.total()} changed by what others keep"
    )
    if count.first:
        console.print(count.first, markup=False)


async def main(asked: argparse.Namespace) -> int:
    """Make the world and the reads; 1 where anything crossed."""
    world = World(asked.seed, asked.tenants)
    with TemporaryDirectory() as name:
        url = asked.database or f"sqlite:///{name}/all.db"
        os.environ["HOLDFAST_DATABASE_URL"] = url
        database = Database(url)
        await database.migrate()
        if await _is_used(database, world):
            sys.stderr.write("the database remembers something already; give an empty one\n")
            return 2
        started = time.monotonic()
        count = await measure(world, database, Path(name), asked.reads)
        show_count(count, world, time.monotonic() - started)
        for scope in world.scopes:  # another's database is left as it was
            await Memories(database).forget(Reach(tenant=scope.tenant), Selection())
        await database.close()
    return 1 if count.crossed.total() or count.differed.total() else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tenants", type=int, default=20)
    parser.add_argument("--reads", type=int, default=10_000)
    parser.add_argument("--database", default="", help="URL; default: a SQLite file of its own")
    sys.exit(asyncio.run(main(parser.parse_args())))
