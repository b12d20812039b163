"""AES-256-GCM under named keys: what is sealed with one is opened with the same, or not at all.

Two keys are derived from each named one, so that what encrypts histories never opens columns.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
CIPHER: Final = "AES-256-GCM"
_NONCE_BYTES: Final = 12

Purpose = Literal["payload", "column"]


class CannotDecrypt(RuntimeError):
    """Something encrypted cannot be read here; the message says what to do."""


class KeyMissing(CannotDecrypt):
    """The key is not here; with it, everything goes on. Nothing is lost meanwhile."""


class Damaged(CannotDecrypt):
    """The key is here, and what it should open was changed, cut, or put in another's place."""


@dataclass(frozen=True)
class Key:
    """A named key.

    Attributes:
        material: 32 random bytes; never shown.
        current_from: When it began or begins to be what encrypts; None: it only decrypts.
    """

    id: str
    material: bytes = field(repr=False)
    made_at: datetime | None = None
    current_from: datetime | None = None

    def seal(self, content: bytes, purpose: Purpose, about: bytes, *, same: bool = False) -> bytes:
        """Return nonce and ciphertext.

        Args:
            content: What is encrypted.
            purpose: Which of the derived keys does it.
            about: What opening has to name again; it is authenticated, not kept.
            same: Seal equal content to equal bytes. The nonce is then a keyed hash of content and
                `about`: different contents have the same one as seldom as two random ones would
                be, and who sees two equal ones learns that the contents are.
        """
        nonce = self._nonce(content, about) if same else secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._aes[purpose].encrypt(nonce, content, self._bound(about))

    def open(self, sealed: bytes, purpose: Purpose, about: bytes) -> bytes:
        """Return the content.

        Raises:
            Damaged: it was not sealed with this key, for this purpose, about this.
        """
        # Here and not above: half of the processes have no keys, and a worker's start is short.
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._aes[purpose].decrypt(nonce, rest, self._bound(about))
        except (InvalidTag, ValueError):
            raise Damaged(
                f"what was encrypted with key {self.id!r} was changed or moved since, or another "
                "key has its name now; restore it from a backup"
            ) from None

    def _nonce(self, content: bytes, about: bytes) -> bytes:
        made = hmac.new(self._derived("nonce"), digestmod=hashlib.sha256)
        made.update(len(about).to_bytes(8, "big") + about)
        made.update(content)
        return made.digest()[:_NONCE_BYTES]

    def _bound(self, about: bytes) -> bytes:
        return b"\0".join((b"holdfast/1", CIPHER.encode(), self.id.encode(), about))

    @cached_property
    def _aes(self) -> dict[Purpose, "AESGCM"]:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as above

        return {
            "payload": AESGCM(self._derived("payload")),
            "column": AESGCM(self._derived("column")),
        }

    def _derived(self, purpose: str) -> bytes:
        """Return a key of its own for a purpose: HKDF's expansion (RFC 5869), one block.

        The named key is random already, so nothing has to be extracted first.
        """
        info = f"holdfast/{purpose}\x01".encode()
        return hmac.new(self.material, info, hashlib.sha256).digest()
