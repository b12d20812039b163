"""Secrets by reference: a variable's value, or what is in the file that `NAME_FILE` names.

Containers are handed secrets as files; a value in a variable shows in their descriptions, and is
inherited by every child.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

SUFFIX: Final = "_FILE"
_MOST_BYTES: Final = 100_000  # more is no secret, but the wrong file


class SecretFileError(ValueError):
    """A secret's file cannot be used; the message names the variable, never a value."""


def secret(name: str, environ: Mapping[str, str] | None = None) -> str:
    """Return a secret: the variable `name`, or the text of the file that `NAME_FILE` names.

    Blanks around the text are not part of it: editors end files with a line.

    Raises:
        SecretFileError: Both are set, or the file cannot be read, or has nothing in it.
    """
    environ = os.environ if environ is None else environ
    value, file = environ.get(name, ""), environ.get(f"{name}{SUFFIX}", "")
    if not file:
        return value
    if value:
        raise SecretFileError(f"both {name} and {name}{SUFFIX} are set; unset one of them")
    try:
        with Path(file).open("rb") as opened:
            found = opened.read(_MOST_BYTES + 1).decode()
    except OSError as error:
        raise SecretFileError(
            f"{name}{SUFFIX} names {file!r}, which cannot be read: {error.strerror}"
        ) from None
    except UnicodeDecodeError:
        raise SecretFileError(f"{name}{SUFFIX} names {file!r}, which is no text") from None
    if not found.strip() or len(found) > _MOST_BYTES:
        raise SecretFileError(
            f"{name}{SUFFIX} names {file!r}: expected 1 to {_MOST_BYTES:,} bytes that are a secret"
        )
    return found.strip()
