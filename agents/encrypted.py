"""Columns whose content is encrypted before it reaches the database, and read in the clear.

They stand here and not in the runtime, since tools write into the same tables. What encrypts is set
once a process (`use`); without it, and in rows of before, content is in the clear.
"""

from typing import Final, Protocol

from sqlalchemy import Dialect, LargeBinary, Text, TypeDecorator


class Cipher(Protocol):
    """What encrypts; implemented in runtime/encryption_columns.py."""

    def seal(self, content: bytes, column: str) -> bytes:
        """Return what is stored for `content`."""
        ...

    def open(self, stored: bytes, column: str) -> bytes:
        """Return what was sealed, or `stored` as it is where that is in the clear."""
        ...

    def seal_text(self, content: str, column: str) -> str:
        """Return what is stored for `content`."""
        ...

    def open_text(self, stored: str, column: str) -> str:
        """Return what was sealed, or `stored` as it is where that is in the clear."""
        ...


class _InForce:
    cipher: Cipher | None = None


_IN_FORCE: Final = _InForce()


def use(cipher: Cipher | None) -> Cipher | None:
    """Set what encrypts in this process; return what did before."""
    before, _IN_FORCE.cipher = _IN_FORCE.cipher, cipher
    return before


class EncryptedText(TypeDecorator[str]):
    """Text that is encrypted where keys are set.

    Args:
        column: `table.column`; content that is moved into another column cannot be read there.
    """

    impl = Text
    cache_ok = True

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Encrypt."""
        cipher = _IN_FORCE.cipher
        return value if value is None or cipher is None else cipher.seal_text(value, self.column)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Decrypt."""
        cipher = _IN_FORCE.cipher
        return value if value is None or cipher is None else cipher.open_text(value, self.column)


class EncryptedBytes(TypeDecorator[bytes]):
    """Bytes that are encrypted where keys are set; `column` as of `EncryptedText`."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Encrypt."""
        cipher = _IN_FORCE.cipher
        return value if value is None or cipher is None else cipher.seal(value, self.column)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Decrypt."""
        cipher = _IN_FORCE.cipher
        if value is None or cipher is None:
            return value
        return cipher.open(bytes(value), self.column)
