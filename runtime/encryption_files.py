"""Changing the keys: every change is one file put in place of the one before."""

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from runtime.encryption import KEY_BYTES, Key
from runtime.encryption_keys import CURRENT, ID, KeyFileError, current_of, load, written
from runtime.encryption_keys import written_current as current_lines

_MODE: Final = 0o600
_SUFFIX_BYTES: Final = 2


class KeyFile:
    """The keys of a path, to be changed by one command at a time."""

    def __init__(self, path: Path) -> None:
        """Read them; a path that is not there yet becomes a file.

        Raises:
            KeyFileError: they are there, and cannot be used.
        """
        self.path = path
        empty = not path.exists() or (path.is_dir() and not _visible(path))
        self.keys: dict[str, Key] = {} if empty else load(path)

    def current(self) -> Key | None:
        """Return the key that encrypts now; None where none does yet."""
        return current_of(self.keys, datetime.now(UTC))

    def new(self, key_id: str = "") -> Key:
        """Add a key that decrypts; the very first one encrypts at once.

        Raises:
            KeyFileError: the name does not fit, is taken, or nothing can be written there.
        """
        now = datetime.now(UTC).replace(microsecond=0)
        key_id = key_id or f"{now:%Y%m%d}-{secrets.token_hex(_SUFFIX_BYTES)}"
        if not ID.fullmatch(key_id) or key_id == CURRENT:
            raise KeyFileError(
                f"{key_id[:80]!r} cannot name a key: expected at most 63 letters, digits and . _ -"
            )
        if key_id in self.keys:
            raise KeyFileError(f"there is a key {key_id!r} already; give another name")
        material = secrets.token_bytes(KEY_BYTES)
        key = Key(key_id, material, now, None if self.keys else now)
        self._write({**self.keys, key_id: key})
        return key

    def rotate(self, key_id: str, after: timedelta) -> Key:
        """Let a key encrypt, from a moment on that every process reads before it has come.

        Raises:
            KeyFileError: there is no such key, it encrypts already, or nothing can be written.
        """
        key = self._known(key_id)
        now = datetime.now(UTC).replace(microsecond=0)
        if self.current() == key:
            raise KeyFileError(f"{key_id!r} encrypts already; make a new key with `keys new`")
        begun = [each.current_from for each in self.keys.values() if each.current_from]
        # Later than what any other began at: of two with one moment nobody could tell.
        begins = max([now + after, *(moment + timedelta(seconds=1) for moment in begun)])
        key = replace(key, current_from=begins)
        self._write({**self.keys, key_id: key})
        return key

    def until(self, key_id: str) -> datetime | None:
        """Return when the key after one began to encrypt; None where it never did itself.

        Raises:
            KeyFileError: there is no such key, or it still encrypts, or will.
        """
        key, now = self._known(key_id), datetime.now(UTC)
        if key.current_from is None:
            return None
        later = [
            each.current_from
            for each in self.keys.values()
            if each.current_from and key.current_from < each.current_from <= now
        ]
        if not later:
            raise KeyFileError(
                f"{key_id!r} encrypts, or is about to; let another one do so first: "
                "`keys new`, `keys rotate`"
            )
        return min(later)

    def retire(self, key_id: str) -> None:
        """Remove a key. What it encrypted can then never be read again.

        Raises:
            KeyFileError: there is no such key, it encrypts, or nothing can be written.
        """
        self.until(key_id)
        self._write({name: key for name, key in self.keys.items() if name != key_id})

    def _known(self, key_id: str) -> Key:
        if key_id not in self.keys:
            raise KeyFileError(
                f"no key {key_id[:80]!r} in {str(self.path)!r}; there are {sorted(self.keys)}"
            )
        return self.keys[key_id]

    def _write(self, keys: Mapping[str, Key]) -> None:
        try:
            if self.path.is_dir():
                self._write_directory(keys)
            else:
                _put(self.path, written(keys))
        except OSError as error:
            raise KeyFileError(
                f"{str(self.path)!r} cannot be changed from here ({error.strerror or error}); "
                "where a secret store provides it, change it there (docs/encryption.md)"
            ) from None
        self.keys = dict(keys)

    def _write_directory(self, keys: Mapping[str, Key]) -> None:
        for key_id, key in keys.items():
            if key_id not in self.keys:
                _put(self.path / key_id, base64.b64encode(key.material).decode() + "\n")
        # The names before a key goes, and after it has come: at no moment is one named alone.
        _put(self.path / CURRENT, current_lines(keys))
        for key_id in self.keys.keys() - keys.keys():
            (self.path / key_id).unlink()


def _put(path: Path, text: str) -> None:
    """Write a file in whole or not at all.

    Raises:
        KeyFileError: another command is at it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    except FileExistsError:
        raise KeyFileError(
            f"another command changes {str(path)!r}, or was cut off; if none runs, remove "
            f"{str(beside)!r}"
        ) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _visible(path: Path) -> bool:
    return any(not each.name.startswith(".") for each in path.iterdir())
