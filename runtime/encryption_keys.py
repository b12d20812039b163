"""The key ring: named keys in a file, or in a directory as Kubernetes mounts a secret.

It is looked at again when it changes, so that a rotation needs no restart. A key first reaches
every process, and encrypts from a moment that all of them know: see docs/encryption.md.
"""

import base64
import binascii
import re
import stat
import time
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol, cast

import structlog

from runtime.encryption import KEY_BYTES, Key, KeyMissing

CURRENT: Final = "current"
"""Of a directory: the file that names the keys that encrypt, and from when on."""
ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_LOOK_EVERY_S: Final = 1.0
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_MOST_BYTES: Final = 1_000_000

_log = structlog.stdlib.get_logger(__name__)


class KeyFileError(RuntimeError):
    """The keys cannot be used as they lie there; names the file, never a key."""


class Keys(Protocol):
    """What has keys."""

    def current(self) -> Key:
        """Return the key that encrypts."""
        ...

    def get(self, key_id: str) -> Key:
        """Return a key.

        Raises:
            KeyMissing: there is none with that id.
        """
        ...


class KeyRing:
    """The keys of a path, as they are now."""

    def __init__(self, path: Path) -> None:
        """Read the keys.

        Raises:
            KeyFileError: there are none, or not as they must be.
        """
        self.path = path
        self._seen: object = None
        with suppress(OSError):  # then `load` says it better
            # Before reading: what is written while it is read is then seen as a change.
            self._seen = _marks(path)
        self._keys = load(path)
        self._looked = time.monotonic()
        _current(self._keys, path)

    def current(self) -> Key:
        """Return the key that encrypts now."""
        if time.monotonic() - self._looked > _LOOK_EVERY_S:
            self._look()
        return _current(self._keys, self.path)

    def get(self, key_id: str) -> Key:
        """Return a key; one that is not known is looked for in the file at once.

        Raises:
            KeyMissing: there is none with that id.
        """
        if key_id not in self._keys:
            self._look()
        if key_id not in self._keys:
            raise KeyMissing(
                f"key {key_id!r} is not in {str(self.path)!r}, and this was encrypted with it; put "
                "it back, and what waits for it goes on"
            )
        return self._keys[key_id]

    def all(self) -> list[Key]:
        """Return all keys, the newest first."""
        self._look()
        return sorted(self._keys.values(), key=_age, reverse=True)

    def _look(self) -> None:
        self._looked = time.monotonic()
        try:
            marks = _marks(self.path)
            if marks == self._seen:
                return
            self._seen = marks
            keys = load(self.path)
            _current(keys, self.path)
        except (KeyFileError, OSError) as error:
            # With what it has it can go on; without a key it could not.
            _log.error("encryption keys not read again", why=str(error))
            return
        news = sorted(keys.keys() - self._keys.keys())
        gone = sorted(self._keys.keys() - keys.keys())
        self._keys = keys
        _log.info("encryption keys read again", new=news, gone=gone)


def load(path: Path) -> dict[str, Key]:
    """Return the keys of a file or a directory, by their ids.

    Raises:
        KeyFileError: it is not there, others may read it, or it is not what it should be.
    """
    try:
        found = _of_directory(path) if path.is_dir() else _of_file(path)
    except OSError as error:
        raise KeyFileError(
            f"the encryption keys {str(path)!r} cannot be read ({error.strerror or error}); make "
            "them with `python starter.py keys new`, or correct HOLDFAST_ENCRYPTION_KEYS"
        ) from None
    if not found:
        raise KeyFileError(
            f"{str(path)!r} holds no encryption key; make one with `python starter.py keys new`"
        )
    return found


def current_of(keys: Mapping[str, Key], now: datetime) -> Key | None:
    """Return the key that encrypts at `now`: of those that may, the one that began last."""
    begun = [key for key in keys.values() if key.current_from and key.current_from <= now]
    return max(begun, key=lambda key: (cast("datetime", key.current_from), key.id), default=None)


def written(keys: Mapping[str, Key]) -> str:
    """Return what a file holds for these keys."""
    lines = [
        "# Holdfast's encryption keys: whoever has this file can read what they encrypt, and",
        "# without it nobody can. Keep a copy apart from the databases.",
    ]
    for key in sorted(keys.values(), key=_age):
        lines += ["", f'["{key.id}"]', f'key = "{base64.b64encode(key.material).decode()}"']
        if key.made_at:
            lines.append(f"made_at = {_moment(key.made_at)}")
        if key.current_from:
            lines.append(f"current_from = {_moment(key.current_from)}")
    return "\n".join([*lines, ""])


def written_current(keys: Mapping[str, Key]) -> str:
    """Return what a directory's `current` holds: a line each, the id and from when on."""
    named = [key for key in sorted(keys.values(), key=_age) if key.current_from]
    return "".join(f"{key.id} {_moment(cast('datetime', key.current_from))}\n" for key in named)


def _current(keys: Mapping[str, Key], path: Path) -> Key:
    found = current_of(keys, datetime.now(UTC))
    if found is None:
        raise KeyFileError(
            f"no key in {str(path)!r} encrypts yet; make one current with "
            "`python starter.py keys rotate ID`"
        )
    return found


def _of_file(path: Path) -> dict[str, Key]:
    _refuse_others(path, _OTHERS, "chmod 600")
    try:
        tables = tomllib.loads(_read(path).decode())
    except ValueError:
        # Not the error's own words: they quote what stands there.
        raise KeyFileError(f"{str(path)!r} is not TOML; restore it from its copy") from None
    return {key_id: _of_table(path, key_id, table) for key_id, table in tables.items()}


def _of_table(path: Path, key_id: str, table: Any) -> Key:
    where = f"key {key_id!r} in {str(path)!r}"
    if not ID.fullmatch(key_id) or not isinstance(table, dict):
        raise KeyFileError(f"{where}: expected a table, named by letters, digits and . _ -")
    fields = cast("dict[str, Any]", table)
    moments = {name: fields.get(name) for name in ("made_at", "current_from")}
    for name, moment in moments.items():
        if moment is not None and (not isinstance(moment, datetime) or moment.tzinfo is None):
            raise KeyFileError(f"{where}: {name} is not a moment with a time zone")
    return Key(key_id, _material(where, str(fields.get("key", ""))), **moments)


def _of_directory(path: Path) -> dict[str, Key]:
    keys: dict[str, Key] = {}
    # Kubernetes keeps the files in hidden directories and puts links to them beside those.
    files = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    for file in files:
        _refuse_others(file, stat.S_IRWXO | stat.S_IWGRP, "chmod 400; of a secret, defaultMode:")
        if file.name != CURRENT and file.is_file():
            where = f"key {file.name!r} in {str(path)!r}"
            if not ID.fullmatch(file.name):
                raise KeyFileError(f"{where}: expected a name of letters, digits and . _ -")
            keys[file.name] = Key(file.name, _material(where, _read(file).decode("latin-1")))
    if (path / CURRENT).exists():
        _begin(keys, path / CURRENT)
    return keys


def _begin(keys: dict[str, Key], file: Path) -> None:
    """Set from when on each key encrypts that the file names, without a moment: from ever on."""
    for line in _read(file).decode("utf-8", "replace").splitlines():
        key_id, _, moment = line.strip().partition(" ")
        if not key_id:
            continue
        if key_id not in keys:
            raise KeyFileError(f"{str(file)!r} names {key_id[:64]!r}, and there is no such key")
        begins = None
        with suppress(ValueError):
            begins = datetime.fromisoformat(moment.strip() or "1970-01-01T00:00:00+00:00")
        if begins is None or begins.tzinfo is None:
            raise KeyFileError(
                f"{str(file)!r}: behind {key_id!r} expected nothing, or a moment as "
                "2026-01-31T12:00:00Z"
            )
        keys[key_id] = replace(keys[key_id], current_from=begins)


def _material(where: str, text: str) -> bytes:
    try:
        material = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        material = b""
    if len(material) != KEY_BYTES:
        raise KeyFileError(f"{where}: expected {KEY_BYTES} random bytes in base64")
    return material


def _refuse_others(path: Path, refused: int, remedy: str) -> None:
    mode = path.stat().st_mode
    if stat.S_ISREG(mode) and mode & refused:
        raise KeyFileError(
            f"others may use {str(path)!r} (mode {stat.S_IMODE(mode):04o}), and it holds the "
            f"encryption keys: {remedy} {'' if remedy.endswith(':') else str(path)}".rstrip(": ")
        )


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST_BYTES)


def _marks(path: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Return what changes when a file of keys does."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return tuple(
        (file.name, seen.st_mtime_ns, seen.st_size, seen.st_ino)
        for file in files
        if (seen := file.stat())
    )


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _age(key: Key) -> tuple[float, float, str]:
    made = key.made_at or key.current_from
    begun = key.current_from.timestamp() if key.current_from else float("inf")
    return (made.timestamp() if made else 0.0, begun, key.id)
