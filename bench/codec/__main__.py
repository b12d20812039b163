"""`python -m bench.codec`: words of runs looked for in both databases, and keys rotated under load.

Runs carry words that are nowhere else, in tasks, arguments, results, answers, signals, failures,
memos and payloads too large for a history. Keys are rotated twice meanwhile and the worker is
killed once. Then every byte of both databases is looked through, and every history replayed. The
same runs without keys show that the search finds. Exits with 1 if anything was found or lost.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from temporalio.api.common.v1 import Payload

from agents.encrypted import use
from bench.codec.load import Load, Seen, replayed, rotation
from bench.codec.search import Found, search
from bench.drill.rig import rig
from runtime.encryption import Key
from runtime.encryption_codec import EncryptionCodec
from runtime.encryption_files import KeyFile
from runtime.encryption_keys import KeyRing
from runtime.encryption_rows import EncryptedRows
from runtime.settings import variable_of

_SIZES: Final = (1_000, 16_000, 256_000, 4_000_000)
_CONTROL_RUNS: Final = 10


@dataclass(frozen=True)
class Figures:
    """What one load came to.

    Attributes:
        broken: Histories that did not replay.
        under: Payloads by their key; the empty one is the clear.
        reencrypted: Rows put under the last key, and how many the first still held then.
    """

    seen: Seen
    server: Found
    own: Found
    broken: int
    under: Counter[str]
    history_bytes: int
    reencrypted: int
    left: int
    seconds: float

    @property
    def whole(self) -> bool:
        """Whether nothing was lost, stuck or broken."""
        return not self.seen.stuck and not self.broken and not self.left


async def measure(home: Path, seed: int, runs: int, *, keyed: bool) -> Figures:
    """Play the load in a home of its own, and look through what it left there."""
    keys = home / "keys.toml"
    if keyed:
        KeyFile(keys).new("k1")
    more = {variable_of("encryption_keys"): str(keys)} if keyed else {}
    began = time.monotonic()
    reencrypted = left = 0
    async with rig(home, more) as running:
        load = Load(running, seed, runs)
        acts: dict[int, Callable[[], Any]] = {}
        if keyed:
            acts = {runs // 4: rotation(keys, "k2"), runs // 2: rotation(keys, "k3")}
            acts[runs // 3] = running.kill_worker
        seen = await load.play(acts)
        broken, under, size = await replayed(running, seen)
        if keyed:
            rows = EncryptedRows(running.session.database, KeyRing(keys))
            reencrypted = sum([each.rows async for each in rows.reencrypt()])
            for key in ("k1", "k2"):
                left += sum((await rows.under(key)).values())
    server, own = (_searched(home, name, seen) for name in ("temporal", "holdfast"))
    seconds = time.monotonic() - began
    return Figures(seen, server, own, broken, under, size, reencrypted, left, seconds)


def _searched(home: Path, name: str, seen: Seen) -> Found:
    return search(sorted(home.glob(f"{name}.db*")), seen.canaries)


def report(console: Console, seed: int, with_keys: Figures, without: Figures) -> None:
    """Print what was found and what became of the runs."""
    table = Table(
        title=f"words of {len(with_keys.seen.runs)} runs, seed {seed}", title_style="bold"
    )
    for name in ("", "words", "files", "MB", "tables", "cells", "found"):
        table.add_column(name, justify="left" if not name else "right")
    for name, figures in (("with keys", with_keys), ("control: without", without)):
        for whose, found in (("server's", figures.server), ("Holdfast's", figures.own)):
            table.add_row(
                f"{name}, {whose} database", f"{len(figures.seen.canaries):,}", str(found.files),
                f"{found.bytes / 1e6:.1f}", str(found.tables), f"{found.cells:,}",
                f"{len(found.hits):,}",
            )  # fmt: skip
    console.print(table)
    seen = without.server.hits.keys() | without.own.hits.keys()
    missed = sorted(set(without.seen.canaries) - seen)
    console.print(f"of the control's words not found in either: {', '.join(missed) or 'none'}")
    for figures in (with_keys,):
        for word, where in sorted(figures.server.hits.items()) + sorted(figures.own.hits.items()):
            console.print(f"FOUND {word} in {', '.join(sorted(where))}")
    ended = ", ".join(f"{count} {how}" for how, count in sorted(with_keys.seen.ended.items()))
    stuck = ", ".join(with_keys.seen.stuck) or "none"
    under = ", ".join(
        f"{key or 'in the clear'} {count:,}" for key, count in sorted(with_keys.under.items())
    )
    console.print(f"\nrotated twice and the worker killed once under load: {ended}; stuck: {stuck}")
    console.print(f"histories that do not replay: {with_keys.broken}; payloads by key: {under}")
    console.print(
        f"rows put under k3: {with_keys.reencrypted:,}; left under k1 or k2: {with_keys.left}; "
        f"{with_keys.seconds:.0f} s"
    )
    per = [each.history_bytes / max(each.under.total(), 1) for each in (with_keys, without)]
    console.print(f"bytes of history a payload: {per[0]:,.0f} with keys, {per[1]:,.0f} without")


async def cost(console: Console) -> None:
    """Print what encrypting and decrypting a payload costs."""
    keys = _One(Key("k1", bytes(range(32))))
    codec = EncryptionCodec(keys)
    table = Table(title="CPU a payload", title_style="bold")
    for name in ("bytes", "encode", "decode"):
        table.add_column(name, justify="right")
    for size in _SIZES:
        payload = Payload(metadata={"encoding": b"json/plain"}, data=bytes(size))
        times = max(3, 20_000_000 // (size + 20_000))
        sealed = payload
        began = time.process_time()
        for _ in range(times):
            [sealed] = await codec.encode([payload])
        between = time.process_time()
        for _ in range(times):
            await codec.decode([sealed])
        ended = time.process_time()
        shown = [
            f"{1e6 * seconds / times:,.0f} µs" for seconds in (between - began, ended - between)
        ]
        table.add_row(f"{size:,}", *shown)
    console.print(table)


class _One:
    """A ring of one key."""

    def __init__(self, key: Key) -> None:
        self._key = key

    def current(self) -> Key:
        """Return it."""
        return self._key

    def get(self, key_id: str) -> Key:
        """Return it."""
        return self._key


async def main(seed: int, runs: int) -> int:
    """Measure and print; return the exit code."""
    console = Console(width=110)
    use(None)
    with tempfile.TemporaryDirectory(prefix="holdfast-codec-") as home:
        folder = Path(home)
        with_keys = await measure(folder / "keyed", seed, runs, keyed=True)
        control = min(runs, _CONTROL_RUNS)
        without = await measure(folder / "clear", seed, control, keyed=False)
    report(console, seed, with_keys, without)
    await cost(console)
    clean = not with_keys.server.hits and not with_keys.own.hits and not with_keys.under[""]
    finds = bool(without.server.hits) and bool(without.own.hits)
    return 0 if with_keys.whole and clean and finds else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=40)
    given = parser.parse_args()
    sys.exit(asyncio.run(main(given.seed, given.runs)))
