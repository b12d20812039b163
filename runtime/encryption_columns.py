"""What encrypts columns, and the list of those that hold content."""

import base64
import binascii
from typing import Final

import sqlalchemy as sa

from agents.encrypted import EncryptedBytes, EncryptedText
from runtime import (
    tables_batch,
    tables_gateway,
    tables_repair,
    tables_transcripts,
)
from runtime.encryption import Damaged, KeyMissing
from runtime.encryption_keys import ID, Keys
from runtime.tables import METADATA

# Imported for the tables that they put into METADATA.
__all__ = ["tables_batch", "tables_gateway", "tables_repair", "tables_transcripts"]

MARK: Final = b"hfenc1:"
_TEXT: Final = MARK.decode()


class ColumnCipher:
    """Seals with the current key; what lies in the clear from before is read as it is.

    The name of the key stands before what it sealed, so that a database can be looked through for
    what a key still holds. Without keys nothing is sealed, and what is sealed is refused.
    """

    def __init__(self, keys: Keys | None) -> None:
        self._keys = keys

    def seal(self, content: bytes, column: str) -> bytes:
        """Return what is stored for `content`."""
        if self._keys is None:
            # Whoever writes the mark himself must not make a row that cannot be read.
            return MARK + b":" + content if content.startswith(MARK) else content
        key = self._keys.current()
        return MARK + key.id.encode() + b":" + key.seal(content, "column", column.encode())

    def open(self, stored: bytes, column: str) -> bytes:
        """Return what was sealed.

        Raises:
            CannotDecrypt: its key is missing, or it was changed.
        """
        if not stored.startswith(MARK):
            return stored
        name, colon, sealed = stored[len(MARK) :].partition(b":")
        if not name:
            return sealed
        key_id = name.decode("latin-1")
        if not colon or not ID.fullmatch(key_id):
            raise Damaged(f"a row of {column} is cut off; restore it from a backup")
        if self._keys is None:
            raise KeyMissing(
                f"{column} is encrypted with key {key_id!r}, and no keys are set here: set "
                "HOLDFAST_ENCRYPTION_KEYS to the file or directory that has it"
            )
        return self._keys.get(key_id).open(sealed, "column", column.encode())

    def seal_text(self, content: str, column: str) -> str:
        """Return what is stored for `content`."""
        if self._keys is None:
            return f"{_TEXT}:{content}" if content.startswith(_TEXT) else content
        head, sealed = _parted(self.seal(content.encode("utf-8", "surrogatepass"), column))
        return head.decode() + base64.b64encode(sealed).decode()

    def open_text(self, stored: str, column: str) -> str:
        """Return what was sealed.

        Raises:
            CannotDecrypt: its key is missing, or it was changed.
        """
        if not stored.startswith(_TEXT):
            return stored
        name, _, sealed = stored[len(_TEXT) :].partition(":")
        if not name:
            return sealed
        try:
            raw = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError):
            raise Damaged(f"a row of {column} is cut off; restore it from a backup") from None
        whole = f"{_TEXT}{name}:".encode("latin-1", "replace") + raw
        return self.open(whole, column).decode("utf-8", "surrogatepass")


def encrypted_columns() -> list[sa.Column[str] | sa.Column[bytes]]:
    """Return the columns whose content is encrypted, by table and name."""
    return [
        column
        for table in METADATA.sorted_tables
        for column in table.columns
        if isinstance(column.type, EncryptedText | EncryptedBytes)
    ]


def _parted(stored: bytes) -> tuple[bytes, bytes]:
    """Return mark and name, and what is sealed."""
    end = stored.index(b":", len(MARK)) + 1
    return stored[:end], stored[end:]
