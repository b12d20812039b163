"""Where the connection goes, and what is said when it goes nowhere."""

from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from runtime.database import Database
from runtime.search_attributes import SEARCH_ATTRIBUTES, ensure_search_attributes
from runtime.settings import Settings
from runtime.temporal import NoServer, connect


@pytest.fixture(autouse=True)
def unconfigured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No Temporal variable and no profile file of the machine reaches these tests."""
    for name in ("TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "temporal.toml"))


async def test_no_server_says_what_to_run(database: Database, tmp_path: Path) -> None:
    """With nothing configured and nothing running there is one line with the command."""
    with pytest.raises(NoServer, match=r"run `python starter\.py up`") as caught:
        await connect(Settings(home=tmp_path), database)

    assert "\n" not in str(caught.value)


async def test_a_configured_address_that_is_silent_is_named(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that does not answer is in the error, without the transport's nesting."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")

    with pytest.raises(NoServer, match=r"'127\.0\.0\.1:1' \(connection refused\)"):
        await connect(Settings(home=tmp_path), database)


async def test_a_broken_profile_is_not_quoted(database: Database, tmp_path: Path) -> None:
    """The file may hold a key: the error names the place, not the content."""
    (tmp_path / "temporal.toml").write_text('[profile.default]\napi_key = "sk-secret\n')

    with pytest.raises(NoServer, match="profile cannot be used") as caught:
        await connect(Settings(home=tmp_path), database)

    assert "sk-secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_profile_file_decides(
    server: WorkflowEnvironment, database: Database, tmp_path: Path
) -> None:
    """Address and namespace of the SDK's profile file are used as they stand."""
    address = server.client.service_client.config.target_host
    (tmp_path / "temporal.toml").write_text(
        f'[profile.default]\naddress = "{address}"\nnamespace = "default"\n'
    )

    client = await connect(Settings(home=tmp_path), database)

    assert client.service_client.config.target_host == address


async def test_search_attributes_are_registered_once(client: Client) -> None:
    """Registering is idempotent, and what is registered is what runs are listed by."""
    await ensure_search_attributes(client)
    await ensure_search_attributes(client)

    listed = [await client.count_workflows(f"{name} IS NULL") for name in SEARCH_ATTRIBUTES]
    assert len(listed) == len(SEARCH_ATTRIBUTES)
    with pytest.raises(RPCError):
        await client.count_workflows("NobodyRegistered IS NULL")
