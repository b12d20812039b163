"""Keys that sign what leaves the house: Ed25519, in files, never in the environment's values.

Whoever checks needs the public half alone. A fingerprint names a key in words short enough to be
compared by telephone: it is the hash of the public half.
"""

import base64
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

PUBLIC: Final = ".pub"
_OPEN_TO_OTHERS: Final = 0o077


class KeyUnusable(ValueError):
    """A key's file cannot be used; the message names it and says what to do."""


@dataclass(frozen=True)
class Signer:
    """The private half: signs."""

    key: "Ed25519PrivateKey"

    @classmethod
    def read(cls, path: Path) -> "Signer":
        """Return the signer whose key is in `path`.

        Raises:
            KeyUnusable: There is none, others can read it, or it is no Ed25519 private key.
        """
        found = _private(path)
        if path.stat().st_mode & _OPEN_TO_OTHERS:
            raise KeyUnusable(
                f"the signing key {str(path)!r} can be read by others; chmod 600 {path}"
            )
        return cls(found)

    @property
    def checker(self) -> "Checker":
        """The public half."""
        return Checker(self.key.public_key())

    def sign(self, message: bytes) -> str:
        """Return the signature of `message`, in base64."""
        return base64.b64encode(self.key.sign(message)).decode()


@dataclass(frozen=True)
class Checker:
    """The public half: checks."""

    key: "Ed25519PublicKey"

    @classmethod
    def read(cls, path: Path) -> "Checker":
        """Return the checker whose key is in `path`: a public key, or a private one's public half.

        Raises:
            KeyUnusable: There is none, or it is no Ed25519 key.
        """
        if b"PRIVATE" in _bytes(path):
            return Signer(_private(path)).checker
        return cls(_public(path))

    @property
    def fingerprint(self) -> str:
        """What names the key: 16 hex digits of its hash, in fours."""
        found = hashlib.sha256(self.raw).hexdigest()[:16]
        return "-".join(found[at : at + 4] for at in range(0, 16, 4))

    @property
    def raw(self) -> bytes:
        """The key's 32 bytes."""
        return self.key.public_bytes_raw()

    def holds(self, signature: str, message: bytes) -> bool:
        """Whether `signature`, in base64, is this key's under `message`."""
        # Slow to import, and only where something is checked.
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

        try:
            self.key.verify(base64.b64decode(signature, validate=True), message)
        except (InvalidSignature, ValueError):
            return False
        return True


def generate(path: Path) -> Checker:
    """Make a key: the private half in `path`, readable by its owner, the public one beside it.

    Raises:
        KeyUnusable: A file is there already: a key is never written over.
    """
    # Slow to import, and only this command wants it.
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = key.public_key().public_bytes(
        form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo
    )
    _write(path, private, 0o600)
    _write(path.with_name(path.name + PUBLIC), public, 0o644)
    return Checker(key.public_key())


def _write(path: Path, content: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise KeyUnusable(f"{str(path)!r} is there already; a key is never written over") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyUnusable(
            f"the key {str(path)!r} cannot be read ({error.strerror}); "
            "make one with `python starter.py audit-log keygen`"
        ) from None


def _private(path: Path) -> "Ed25519PrivateKey":
    # Slow to import: half of what a command takes that signs nothing.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_private_key,
    )

    try:
        found = load_pem_private_key(_bytes(path), password=None)
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise KeyUnusable(f"{str(path)!r} holds no Ed25519 private key; expected PEM, unencrypted")
    return found


def _public(path: Path) -> "Ed25519PublicKey":
    # As above.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        found = load_pem_public_key(_bytes(path))
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise KeyUnusable(f"{str(path)!r} holds no Ed25519 public key; expected PEM")
    return found
