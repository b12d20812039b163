"""What the Temporal UI and command line ask of a codec: payloads in, the same number out."""

from collections.abc import Sequence
from typing import Final

import structlog
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.sdk.v1 import ExternalStorageReference
from temporalio.converter import StorageDriverClaim, StorageDriverRetrieveContext

from commands.errors import Misuse
from runtime.artifacts import ArtifactNotFound, Artifacts
from runtime.database import Database
from runtime.encryption import CannotDecrypt
from runtime.encryption_codec import EncryptionCodec
from runtime.storage import ArtifactDriver

MOST_IN_BYTES: Final = 8 * 1024 * 1024
"""Of a request: what one page of a history can hold, in base64."""
_MOST_OUT_BYTES: Final = 16 * 1024 * 1024
_REFERENCE: Final = ExternalStorageReference.DESCRIPTOR.full_name.encode()

_log = structlog.stdlib.get_logger(__name__)


def parsed(body: bytes) -> list[Payload]:
    """Return the payloads of a request.

    Raises:
        Misuse: it is not what a codec is sent.
    """
    try:
        whole = Parse(body, Payloads(), ignore_unknown_fields=True, max_recursion_depth=8)
    except (ParseError, UnicodeDecodeError, RecursionError):
        raise Misuse('expected {"payloads": [{"metadata": ..., "data": ...}]} as JSON') from None
    return list(whole.payloads)


def written(payloads: Sequence[Payload]) -> str:
    """Return the payloads as an answer."""
    return MessageToJson(Payloads(payloads=payloads), indent=None)


class PayloadReader:
    """Reads and makes payloads as the workers do, with their keys and their database."""

    def __init__(self, database: Database) -> None:
        self._codec = EncryptionCodec(database.keys)
        self._artifacts = Artifacts(database)
        self._driver = ArtifactDriver(self._artifacts)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt, as a worker would."""
        return await self._codec.encode(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt what can be; what cannot is left as it came, so that the rest is shown.

        What lies in the database is fetched, up to 16 MB an answer.
        """
        left, read = _MOST_OUT_BYTES, list[Payload]()
        for payload in payloads:
            found = await self._whole(payload, left)
            try:
                [found] = await self._codec.decode([found])
            except CannotDecrypt as error:
                _log.warning("payload not decrypted", why=str(error))
                found = payload
            left -= len(found.data)
            read.append(found)
        return read

    async def _whole(self, payload: Payload, left: int) -> Payload:
        """Return what a reference stands for; the payload itself where it is none, or too large."""
        if payload.metadata.get("messageType") != _REFERENCE:
            return payload
        try:
            reference = Parse(payload.data, ExternalStorageReference())
            claim = dict(reference.claim_data)
            if (await self._artifacts.page(claim["id"], 0, 1)).size > left:
                return payload
            context = StorageDriverRetrieveContext()
            [found] = await self._driver.retrieve(context, [StorageDriverClaim(claim)])
        except (ParseError, KeyError, ArtifactNotFound, CannotDecrypt) as error:
            _log.warning("reference not resolved", why=f"{type(error).__name__}: {error}")
            return payload
        return found
