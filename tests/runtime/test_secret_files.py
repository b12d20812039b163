"""Secrets by reference: files that a variable names, and what is refused."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from domain.secret_forms import is_variable, kind_of_secret
from runtime.secret_files import SecretFileError, secret
from runtime.settings import Settings, SettingsError
from runtime.temporal_key import renewing


@pytest.mark.requirement("C6.7:secret-files")
def test_a_secret_is_read_from_the_file_that_a_variable_names(tmp_path: Path) -> None:
    """Keys and the database's address; the blank line at the file's end is not part of it."""
    key, url = tmp_path / "key", tmp_path / "url"
    key.write_text("sk-from-a-file\n")
    url.write_text("postgresql://me:pa55word@db/holdfast\n")

    settings = Settings.load(
        {"OPENAI_API_KEY_FILE": str(key), "HOLDFAST_DATABASE_URL_FILE": str(url)}
    )

    assert settings.model_access()["openai_api_key"] == "sk-from-a-file"
    assert settings.database == "postgresql://me:pa55word@db/holdfast"
    assert set(settings.secrets()) == {"sk-from-a-file", "pa55word"}
    assert "sk-from" not in repr(settings)


@pytest.mark.requirement("C6.7:secret-files")
@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe", b"x" * 200_000])
def test_a_file_that_holds_no_secret_is_named_without_its_content(
    tmp_path: Path, content: bytes | None
) -> None:
    """Missing, empty, no text, far too large: the variable and the file are in the message."""
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError) as caught:
        Settings.load({"ANTHROPIC_API_KEY_FILE": str(file)})

    assert "ANTHROPIC_API_KEY_FILE" in str(caught.value)
    assert str(file) in str(caught.value)
    assert "xxx" not in str(caught.value)


@pytest.mark.requirement("C6.7:secret-files")
def test_a_value_and_a_file_at_once_are_refused(tmp_path: Path) -> None:
    """Nobody can say which was meant."""
    with pytest.raises(SecretFileError, match="unset one of them"):
        secret("KEY", {"KEY": "a", "KEY_FILE": str(tmp_path)})


@pytest.mark.requirement("C6.7:secret-files")
def test_what_libraries_read_by_themselves_is_known_too() -> None:
    """The Temporal server's key and the collector's headers: they appear nowhere either."""
    settings = Settings.load(
        {
            "TEMPORAL_API_KEY": "temporal-key-1",
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=collector-key-1,x=y",
        }
    )

    assert set(settings.secrets()) == {"temporal-key-1", "collector-key-1"}


@pytest.mark.requirement("C6.7:secret-files")
async def test_a_key_that_is_renewed_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is read again and again; while it cannot be read the old key stays."""
    file = tmp_path / "key"
    file.write_text("first")
    monkeypatch.setenv("TEMPORAL_API_KEY_FILE", str(file))
    client: Any = SimpleNamespace(api_key="first")

    async def becomes(key: str) -> None:
        async with asyncio.timeout(10):
            while client.api_key != key:
                await asyncio.sleep(0.01)

    async with renewing(client, every_s=0.01):
        file.unlink()
        await asyncio.sleep(0.05)  # long enough to be looked for in vain
        kept = client.api_key
        file.write_text("second")
        await becomes("second")

    assert kept == "first"


@pytest.mark.requirement("C6.7:no-inline-secrets")
@pytest.mark.parametrize(
    ("text", "good"),
    [("SHOP_KEY", True), ("sk-1", False), ("Bearer x", False), ("AKIA" + "A" * 16, False)],
)
def test_a_variables_name_is_told_from_a_secret(text: str, good: bool) -> None:
    """What cannot be a name, or has the form of a key, is none."""
    assert is_variable(text) is good
    assert kind_of_secret("a plain argument --port 80") == ""
