"""Payloads too large for a history, kept in the database by the hash of their bytes."""

from collections.abc import Sequence
from typing import ClassVar, Final

from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter, ToJsonOptions
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    ExternalStorage,
    StorageDriver,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
    StorageDriverWorkflowInfo,
)

from runtime.artifact_uses import HISTORY
from runtime.artifacts import Artifacts
from runtime.database import Database
from runtime.encryption_codec import EncryptionCodec, SealedConverter

# Far under the server's 2 MB a payload, so that several fit into one message of 4 MB.
THRESHOLD_BYTES: Final = 256 * 1024

_MEDIA_TYPE: Final = "application/vnd.temporal.payload"


class ContractPayloadConverter(PydanticPayloadConverter):
    """Pydantic's JSON without the fields that nobody set: a default costs no history.

    There is one of it: the SDK makes a converter for each payload, which takes 0.1 ms with all
    its type adapters, and it keeps no state but those.
    """

    _one: ClassVar["ContractPayloadConverter | None"] = None

    def __new__(cls) -> "ContractPayloadConverter":
        """Return the one instance."""
        if cls._one is None:
            cls._one = super().__new__(cls)
            PydanticPayloadConverter.__init__(cls._one, ToJsonOptions(exclude_unset=True))
            sealed = SealedConverter()
            cls._one.converters = {**cls._one.converters, sealed.encoding.encode(): sealed}
        return cls._one

    def __init__(self) -> None:
        """Nothing is left to do: `__new__` has done it once."""


class ArtifactDriver(StorageDriver):
    """Stores payloads as artifacts, so a payload sent twice is kept once."""

    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts

    def name(self) -> str:
        """Return the name that histories hold; changing it orphans what they refer to."""
        return "holdfast-artifacts"

    async def store(
        self, context: StorageDriverStoreContext, payloads: Sequence[Payload]
    ) -> list[StorageDriverClaim]:
        """Store the payloads; one claim each, same order. Idempotent."""
        target = context.target
        run_id = (target.id or "") if isinstance(target, StorageDriverWorkflowInfo) else ""
        # Deterministic bytes, or a replayed workflow task would store another copy.
        kept = [
            await self._artifacts.put(_serialized(payload), HISTORY, run_id=run_id)
            for payload in payloads
        ]
        return [StorageDriverClaim({"id": artifact_id}) for artifact_id in kept]

    async def retrieve(
        self, context: StorageDriverRetrieveContext, claims: Sequence[StorageDriverClaim]
    ) -> list[Payload]:
        """Return what the claims stand for, same order.

        Raises:
            ArtifactNotFound: the database here is not the one that the payload was stored in.
        """
        return [await self._retrieve(claim.claim_data["id"]) for claim in claims]

    async def _retrieve(self, artifact_id: str) -> Payload:
        content = await self._artifacts.get(artifact_id)
        if content is None:
            raise self._artifacts.not_found(artifact_id)
        return Payload.FromString(content)


def data_converter(database: Database) -> DataConverter:
    """Return the converter that every client of a run has to use.

    With keys, payloads are encrypted, and failures' messages and stack traces become payloads.
    """
    return DataConverter(
        payload_converter_class=ContractPayloadConverter,
        payload_codec=EncryptionCodec(database.keys),
        failure_converter_class=(
            DefaultFailureConverterWithEncodedAttributes
            if database.keys
            else DefaultFailureConverter
        ),
        external_storage=ExternalStorage(
            drivers=[ArtifactDriver(Artifacts(database))],
            payload_size_threshold=THRESHOLD_BYTES,
        ),
    )


def _serialized(payload: Payload) -> bytes:
    return payload.SerializeToString(deterministic=True)
