"""The connection to a server that asks who comes: certificates and API keys, by the SDK's names."""

import asyncio
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from temporalio.api.workflowservice.v1 import ListNamespacesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from runtime.database import Database
from runtime.settings import Settings
from runtime.temporal import NoServer, connect
from tests.runtime.secured import PROGRAM, Secured, secured

pytestmark = [
    pytest.mark.skipif(not PROGRAM, reason="no temporal-server on PATH (docs/cluster.md)"),
    pytest.mark.timeout(150),
]
_READY_S = 60.0


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Generator[Secured]:
    """The server."""
    with secured(tmp_path_factory.mktemp("secured")) as running:
        yield running


@pytest.fixture(autouse=True)
def _configured(guarded: Secured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Everything that such a server wants, as docs/encryption.md names it."""
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "none.toml"))
    monkeypatch.setenv("TEMPORAL_ADDRESS", guarded.address)
    monkeypatch.setenv("TEMPORAL_API_KEY", guarded.key)
    monkeypatch.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(guarded.folder / "ca.pem"))
    monkeypatch.setenv("TEMPORAL_TLS_CLIENT_CERT_PATH", str(guarded.folder / "client.pem"))
    monkeypatch.setenv("TEMPORAL_TLS_CLIENT_KEY_PATH", str(guarded.folder / "client.key"))
    monkeypatch.setenv("TEMPORAL_TLS_SERVER_NAME", "temporal")


async def reached(database: Database, tmp_path: Path) -> Client:
    """Connect; the server answers some seconds after it listens."""
    until = time.monotonic() + _READY_S
    while True:
        try:
            return await connect(Settings(home=tmp_path), database)
        except NoServer:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.2)


@pytest.mark.requirement("C6.6:tls")
async def test_certificate_and_key_open_the_server(database: Database, tmp_path: Path) -> None:
    """Mutual TLS and the key in the environment; the program needs to know nothing else."""
    client = await reached(database, tmp_path)

    found = await client.workflow_service.list_namespaces(ListNamespacesRequest())

    assert "temporal-system" in [each.namespace_info.name for each in found.namespaces]


@pytest.mark.requirement("C6.6:tls")
async def test_without_a_certificate_there_is_no_connection(
    guarded: Secured, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A good key alone does not do."""
    await reached(database, tmp_path)
    monkeypatch.delenv("TEMPORAL_TLS_CLIENT_CERT_PATH")
    monkeypatch.delenv("TEMPORAL_TLS_CLIENT_KEY_PATH")

    with pytest.raises(NoServer, match=guarded.address):
        await connect(Settings(home=tmp_path), database)


@pytest.mark.requirement("C6.6:tls")
async def test_a_server_of_another_authority_is_not_talked_to(
    guarded: Secured, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is one in the clear: the key never leaves for a stranger."""
    await reached(database, tmp_path)
    monkeypatch.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(guarded.folder / "other-ca.pem"))

    with pytest.raises(NoServer):
        await connect(Settings(home=tmp_path), database)


@pytest.mark.requirement("C6.6:tls")
async def test_without_the_key_nothing_is_told(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate lets one in; what one may do there the key says."""
    monkeypatch.delenv("TEMPORAL_API_KEY")
    client = await reached(database, tmp_path)

    with pytest.raises(RPCError) as refused:
        await client.workflow_service.list_namespaces(ListNamespacesRequest())

    assert refused.value.status is RPCStatusCode.PERMISSION_DENIED
