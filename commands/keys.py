"""`keys`: what histories and the database are encrypted with."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from commands import console, options
from commands.console import safe
from commands.errors import CommandError, Exit, Misuse
from commands.guard import guarded
from commands.session import session
from runtime.database import opened
from runtime.encryption import Key
from runtime.encryption_files import KeyFile
from runtime.encryption_keys import KeyRing
from runtime.encryption_rows import BATCH, EncryptedRows
from runtime.encryption_runs import runs_under
from runtime.settings import Settings

_SHOWN: Final = 3
_MOST_RUNS: Final = 1_000
_SOON_S: Final = 10.0

KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key, as `list` shows it.")]
Named = Annotated[
    str, typer.Option("--id", metavar="ID", help="Its name; default: the day and two random bytes.")
]
Other = Annotated[
    str, typer.Argument(metavar="[ID]", help="The key; default: the newest that never encrypted.")
]
After = Annotated[
    float,
    typer.Option(
        "--in",
        min=0,
        metavar="SECONDS",
        help="When it begins: later than every process has the file.",
    ),
]
Rows = Annotated[
    bool, typer.Option("--rows", help="Count what each key holds in the database.", metavar="")
]
Force = Annotated[
    bool,
    typer.Option("--force", help="Even if runs or rows need it: they become unreadable."),
]
Batch = Annotated[int, typer.Option("--batch", min=1, max=10_000, help="Rows a transaction.")]


async def new_key(*, key_id: Named = "", json: options.Json = False) -> Exit:
    """Make a key, which decrypts from now on; the very first encrypts as well."""
    file = KeyFile(_path())
    key = file.new(key_id)
    if json:
        console.emit(_row(key, file.current()))
    elif key.current_from:
        console.out().print(f"made {safe(str(file.path))} with key {key.id}, which encrypts now")
        console.note("keep a copy of it apart from the databases: without it nothing can be read")
    else:
        console.out().print(f"added key {key.id}")
        console.note(
            f"once every process has it: `python starter.py keys rotate {key.id}`, and it encrypts"
        )
    return Exit.OK


async def list_keys(*, rows: Rows = False, json: options.Json = False) -> Exit:
    """List keys, newest first; never what they are."""
    path = _path()
    ring = KeyRing(path)
    current, held = ring.current(), dict[str, int]()
    if rows:
        async with opened(Settings.load()) as database:
            kept = EncryptedRows(database, ring)
            held = {key.id: sum((await kept.under(key.id)).values()) for key in ring.all()}
    if json:
        counted = {key: {"rows": count} for key, count in held.items()}
        console.emit([_row(key, current) | counted.get(key.id, {}) for key in ring.all()])
        return Exit.OK
    table = console.table("id", "made", "state", *(["rows"] if rows else []))
    for key in ring.all():
        made = f"{key.made_at:%Y-%m-%d %H:%M}" if key.made_at else "unknown"
        table.add_row(key.id, made, _state(key, current), *([f"{held[key.id]:,}"] if rows else []))
    console.out().print(table)
    return Exit.OK


async def rotate_key(
    key_id: Other = "", *, after: After = _SOON_S, json: options.Json = False
) -> Exit:
    """Let a key encrypt what is written from a moment on; the others go on decrypting."""
    file = KeyFile(_path())
    key = file.rotate(key_id or _waiting(file), timedelta(seconds=after))
    if json:
        console.emit(_row(key, file.current()))
    else:
        console.out().print(f"key {key.id} encrypts from {key.current_from:%Y-%m-%d %H:%M:%S} UTC")
        console.note("then `python starter.py keys reencrypt` puts the database under it")
    return Exit.OK


async def retire_key(key_id: KeyId, *, force: Force = False, json: options.Json = False) -> Exit:
    """Remove a key that no run and no row needs any more; it cannot be had back."""
    file, settings = KeyFile(_path()), Settings.load()
    until, needed = file.until(key_id), list[str]()
    if not force:
        async with session(settings) as here:
            held = await EncryptedRows(here.database, KeyRing(file.path)).under(key_id)
            needed += [f"{rows:,} rows of {column}" for column, rows in held.items()]
            runs: list[str] = []
            async for run_id in runs_under(here.client, key_id, until):
                runs.append(run_id)
                if len(runs) == _MOST_RUNS:
                    break
            needed += _told(runs)
    if needed:
        raise CommandError(
            f"key {key_id!r} is still needed by {'; '.join(needed)}. Rows: `keys reencrypt`. Runs: "
            "they go with the namespace's retention, schedules once they are written anew. "
            "Nothing was changed"
        )
    file.retire(key_id)
    if json:
        console.emit({"id": key_id, "retired": True, "forced": force})
    else:
        console.out().print(f"retired {safe(key_id)}: what it encrypted can no longer be read")
    return Exit.OK


async def reencrypt(*, batch: Batch = BATCH, json: options.Json = False) -> Exit:
    """Put the database under the current key, what is in the clear too. Workers go on meanwhile.

    Histories stay under the keys that they were written with.
    """
    done: dict[str, int] = {}
    async with opened(Settings.load()) as database:
        ring = KeyRing(_path())
        async for each in EncryptedRows(database, ring).reencrypt(batch):
            done[each.column] = done.get(each.column, 0) + each.rows
    current = ring.current().id
    if json:
        console.emit({"key": current, "columns": done})
    elif not any(done.values()):
        console.note(f"every row is under key {current} already")
    else:
        table = console.table("column", "rows")
        for column, rows in done.items():
            table.add_row(column, f"{rows:,}")
        console.out().print(table)
        console.note(f"they are under key {current} now")
    return Exit.OK


def keys() -> typer.Typer:
    """Return the sub-commands."""
    app = typer.Typer(help="What histories and the database are encrypted with.")
    app.command("new")(guarded(new_key))
    app.command("list")(guarded(list_keys))
    app.command("rotate")(guarded(rotate_key))
    app.command("reencrypt")(guarded(reencrypt))
    app.command("retire")(guarded(retire_key))
    return app


def _path() -> Path:
    path = Settings.load().encryption_keys
    if path is None:
        raise Misuse(
            "HOLDFAST_ENCRYPTION_KEYS is not set: name the file that the keys are kept in, for "
            "this command and for every worker"
        )
    return path


def _waiting(file: KeyFile) -> str:
    """Return the newest key that never encrypted."""
    never = [key for key in file.keys.values() if key.current_from is None]
    if not never:
        raise Misuse("every key has encrypted already; make one with `python starter.py keys new`")
    oldest = datetime.min.replace(tzinfo=UTC)
    return max(never, key=lambda key: (key.made_at or oldest, key.id)).id


def _told(runs: list[str]) -> list[str]:
    if not runs:
        return []
    some = ", ".join(runs[:_SHOWN]) + (" …" if len(runs) > _SHOWN else "")
    more = "at least " if len(runs) == _MOST_RUNS else ""
    return [f"{more}{len(runs):,} runs ({some})"]


def _state(key: Key, current: Key | None) -> str:
    if current is not None and key.id == current.id:
        return "encrypts"
    if key.current_from and key.current_from > datetime.now(UTC):
        return f"encrypts from {key.current_from:%Y-%m-%d %H:%M:%S} UTC"
    return "decrypts"


def _row(key: Key, current: Key | None) -> dict[str, Any]:
    return {
        "id": key.id,
        "made_at": key.made_at.isoformat() if key.made_at else None,
        "current_from": key.current_from.isoformat() if key.current_from else None,
        "state": _state(key, current),
    }
