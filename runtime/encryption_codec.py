"""The payload codec: what runs are asked, say and fail with reaches the server encrypted."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from temporalio.api.common.v1 import Payload
from temporalio.converter import EncodingPayloadConverter, PayloadCodec

from runtime.encryption import CIPHER, CannotDecrypt, Damaged, KeyMissing
from runtime.encryption_keys import Keys

ENCODING: Final = b"binary/encrypted"
KEY_ID: Final = "encryption-key-id"
_CIPHER: Final = "encryption-cipher"
_ABOUT: Final = b"payload"
# From here on a payload may go to the database by the hash of its bytes, where a replayed workflow
# task must find the one that it stored before. Well under the threshold, which counts more.
_SAME_FROM_BYTES: Final = 192 * 1024
# A megabyte takes half a millisecond; less is not worth a hand-over to a thread.
_THREAD_FROM_BYTES: Final = 1024 * 1024
_ACTIVITY: Final = "_ActivityWorker."


@dataclass(frozen=True)
class Sealed:
    """Stands where an activity's argument should, which this worker cannot read."""

    why: CannotDecrypt


class EncryptionCodec(PayloadCodec):
    """Encrypts with the current key, and decrypts with the one that a payload names.

    What is in the clear is read as it is: runs from before the keys, and signals that a person
    sends by the Temporal UI. Without keys nothing is encrypted, and what is encrypted is refused
    in words that say so.
    """

    def __init__(self, keys: Keys | None) -> None:
        self._keys = keys

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt; one each, same order. What is encrypted already stays as it is."""
        if self._keys is None:
            return list(payloads)
        return [await self._seal(self._keys, payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt what is encrypted; one each, same order.

        Raises:
            CannotDecrypt: a key is missing, or what was encrypted has changed. A workflow task
                fails by it and is tried again, so that its run waits and nothing is lost; an
                activity's arguments stay sealed instead (`runtime/encryption_waiting.py`).
        """
        if not any(is_encrypted(payload) for payload in payloads):
            return list(payloads)
        try:
            return [await self._open(payload) for payload in payloads]
        except CannotDecrypt:
            if _for_an_activity():
                return list(payloads)
            raise

    async def _seal(self, keys: Keys, payload: Payload) -> Payload:
        if is_encrypted(payload):
            return payload
        key = keys.current()
        content = payload.SerializeToString(deterministic=True)
        same = len(content) >= _SAME_FROM_BYTES
        if len(content) >= _THREAD_FROM_BYTES:
            sealed = await asyncio.to_thread(key.seal, content, "payload", _ABOUT, same=same)
        else:
            sealed = key.seal(content, "payload", _ABOUT, same=same)
        metadata = {"encoding": ENCODING, _CIPHER: CIPHER.encode(), KEY_ID: key.id.encode()}
        return Payload(metadata=metadata, data=sealed)

    async def _open(self, payload: Payload) -> Payload:
        if not is_encrypted(payload):
            return payload
        cipher = payload.metadata[_CIPHER]
        if cipher != CIPHER.encode():
            raise Damaged(f"the payload is encrypted with {cipher[:40]!r}, expected {CIPHER!r}")
        key_id = payload.metadata[KEY_ID].decode("utf-8", "replace")[:64]
        if self._keys is None:
            raise KeyMissing(
                f"this is encrypted with key {key_id!r}, and no keys are set here: set "
                "HOLDFAST_ENCRYPTION_KEYS to the file or directory that has it"
            )
        key = self._keys.get(key_id)
        if len(payload.data) >= _THREAD_FROM_BYTES:
            content = await asyncio.to_thread(key.open, payload.data, "payload", _ABOUT)
        else:
            content = key.open(payload.data, "payload", _ABOUT)
        return Payload.FromString(content)


class SealedConverter(EncodingPayloadConverter):
    """Turns a payload that stayed encrypted into what says why; nothing else is ever left so."""

    @property
    def encoding(self) -> str:
        """What it converts."""
        return ENCODING.decode()

    def to_payload(self, value: object) -> Payload | None:
        """Leave every value to the other converters."""
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Sealed:
        """Return the stand-in."""
        key_id = payload.metadata[KEY_ID].decode("utf-8", "replace")[:64]
        return Sealed(KeyMissing(f"this worker cannot read what was encrypted with key {key_id!r}"))


def is_encrypted(payload: Payload) -> bool:
    """Whether a payload is encrypted by this codec, or says so."""
    # `get` and not `[]`, which would put the name into the message.
    return payload.metadata.get("encoding") == ENCODING


def _for_an_activity() -> bool:
    """Whether the SDK's activity worker asks, which turns any error into a spent attempt.

    It tells nobody for whom it decodes, so its coroutine's name has to: should that change, a
    missing key costs attempts, and nothing else is different.
    """
    task = asyncio.current_task()
    coroutine = task.get_coro() if task else None
    return str(getattr(coroutine, "__qualname__", "")).startswith(_ACTIVITY)
