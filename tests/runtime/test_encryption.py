"""Keys, what they seal, and what becomes of runs and rows when they change."""

import asyncio
import base64
import os
from collections.abc import AsyncGenerator, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from temporalio.api.common.v1 import Payload

from agents.encrypted import use
from runtime import encryption_keys
from runtime.artifacts import Artifacts
from runtime.database import Database
from runtime.dead_letters import DeadLetters
from runtime.encryption import Damaged, Key, KeyMissing
from runtime.encryption_codec import KEY_ID, EncryptionCodec
from runtime.encryption_columns import ColumnCipher
from runtime.encryption_files import KeyFile
from runtime.encryption_keys import KeyFileError, KeyRing
from runtime.encryption_rows import EncryptedRows
from runtime.storage import THRESHOLD_BYTES, data_converter
from tests.runtime.stores import empty

CANARY = "canary-4711"
NOW = timedelta()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with one key, which encrypts."""
    path = tmp_path / "keys.toml"
    KeyFile(path).new("first")
    return path


@pytest.fixture
def ring(path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyRing:
    """The ring of that file, which looks at it each time."""
    monkeypatch.setattr(encryption_keys, "_LOOK_EVERY_S", 0)
    return KeyRing(path)


@pytest.fixture(params=["sqlite", "postgresql"])
async def sealed(
    request: pytest.FixtureRequest, tmp_path: Path, ring: KeyRing
) -> AsyncGenerator[Database]:
    """An empty database of each kind, whose content is encrypted."""
    url = f"sqlite:///{tmp_path / 'test.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
        await empty(url)
    database = Database(url, ring)
    await database.migrate()
    before = use(ColumnCipher(ring))
    yield database
    use(before)
    await database.close()


@pytest.fixture
def _no_cipher() -> Generator[None]:
    before = use(None)
    yield
    use(before)


def put(path: Path, content: str) -> str:
    """Write a file in place; return what it held."""
    before = path.read_text()
    path.write_text(content)
    return before


def payload(content: bytes = CANARY.encode()) -> Payload:
    """Return one as the converter makes it."""
    return Payload(metadata={"encoding": b"json/plain"}, data=content)


def rotated(path: Path, key_id: str) -> KeyFile:
    """Let a new key encrypt, at once."""
    file = KeyFile(path)
    file.new(key_id)
    file.rotate(key_id, NOW)
    # What begins in the same second as the one before it begins a second later.
    file.keys = {
        each.id: Key(each.id, each.material, each.made_at, datetime(2026, 1, index, tzinfo=UTC))
        for index, each in enumerate(file.keys.values(), 1)
    }
    path.write_text(encryption_keys.written(file.keys))
    return KeyFile(path)


@pytest.mark.requirement("C6.6:payloads")
async def test_a_payload_is_sealed_and_opened_whole(ring: KeyRing) -> None:
    """Neither content nor encoding is to be seen, and equal payloads do not look equal."""
    codec = EncryptionCodec(ring)

    one, other = await codec.encode([payload(), payload()])

    assert CANARY.encode() not in one.SerializeToString()
    assert b"json/plain" not in one.SerializeToString()
    assert one.data != other.data
    assert one.metadata[KEY_ID] == b"first"
    assert await codec.decode([one, other]) == [payload(), payload()]


@pytest.mark.requirement("C6.6:mixed")
async def test_what_is_in_the_clear_is_read_as_it_is(ring: KeyRing) -> None:
    """Runs from before the keys go on, and so do signals that a person sends by the UI."""
    codec = EncryptionCodec(ring)
    [secret] = await codec.encode([payload(b"1")])

    assert await codec.decode([payload(b"2"), secret]) == [payload(b"2"), payload(b"1")]


@pytest.mark.requirement("C6.6:tamper")
@pytest.mark.parametrize("change", ["data", "key", "cipher"])
async def test_what_was_changed_is_refused(path: Path, ring: KeyRing, change: str) -> None:
    """A changed byte, another key's name, another algorithm: none of them opens."""
    KeyFile(path).new("second")
    codec = EncryptionCodec(ring)
    [secret] = await codec.encode([payload()])

    if change == "data":
        secret.data = secret.data[:-1] + bytes([secret.data[-1] ^ 1])
    elif change == "key":
        secret.metadata[KEY_ID] = b"second"
    else:
        secret.metadata["encryption-cipher"] = b"AES-128-GCM"

    with pytest.raises(Damaged):
        await codec.decode([secret])


@pytest.mark.requirement("C6.6:missing")
async def test_a_missing_key_is_named_and_comes_back_without_a_restart(
    path: Path, ring: KeyRing
) -> None:
    """The error says which key is wanted; put back, it is found at once."""
    rotated(path, "second")
    [secret] = await EncryptionCodec(KeyRing(path)).encode([payload()])
    whole = put(path, encryption_keys.written({"first": KeyFile(path).keys["first"]}))
    codec = EncryptionCodec(KeyRing(path))

    with pytest.raises(KeyMissing, match="key 'second' is not in"):
        await codec.decode([secret])
    with pytest.raises(KeyMissing, match="no keys are set here"):
        await EncryptionCodec(None).decode([secret])
    put(path, whole)

    assert await codec.decode([secret]) == [payload()]


@pytest.mark.requirement("C6.6:rotation")
async def test_a_rotation_changes_what_encrypts_and_nothing_that_decrypts(
    path: Path, ring: KeyRing
) -> None:
    """A key that was only distributed is not used; made current, it is, and old ones open."""
    codec = EncryptionCodec(ring)
    [old] = await codec.encode([payload(b"old")])
    KeyFile(path).new("second")
    [still] = await codec.encode([payload(b"still")])
    (first, second) = rotated(path, "third").keys["first"], KeyFile(path).current()
    [new] = await codec.encode([payload(b"new")])

    assert second is not None
    assert first.id != second.id
    assert [each.metadata[KEY_ID] for each in (old, still, new)] == [b"first", b"first", b"third"]
    assert await codec.decode([old, still, new]) == [
        payload(b"old"), payload(b"still"), payload(b"new"),
    ]  # fmt: skip


@pytest.mark.requirement("C6.6:rotation")
def test_a_key_begins_at_a_moment_that_is_written_down(path: Path) -> None:
    """Until then the one before it encrypts, in every process that has read the file."""
    file = KeyFile(path)
    file.new("second")
    file.rotate("second", timedelta(minutes=5))

    ring = KeyRing(path)

    assert ring.current().id == "first"
    later = encryption_keys.current_of(file.keys, datetime.now(UTC) + timedelta(minutes=6))
    assert later is not None
    assert later.id == "second"


@pytest.mark.requirement("C6.6:files")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_keys_that_others_may_read_are_refused(path: Path, mode: int) -> None:
    """The message names the file, its mode and the remedy."""
    path.chmod(mode)

    with pytest.raises(KeyFileError, match=rf"mode {mode:04o}.*chmod 600"):
        KeyRing(path)


@pytest.mark.requirement("C6.6:files")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no encryption key"),
        ("[a]\nkey = 'c2hvcnQ='\ncurrent_from = 2026-01-01T00:00:00Z", "expected 32 random bytes"),
        ("[a]\nkey = 'secret-secret", "is not TOML"),
        (f"[a]\nkey = '{base64.b64encode(bytes(32)).decode()}'", "no key in .* encrypts yet"),
    ],
)
def test_a_file_that_is_no_key_file_is_refused_without_its_content(
    path: Path, content: str, said: str
) -> None:
    """What is wrong is said, and nothing of what stands there."""
    path.write_text(content)

    with pytest.raises(KeyFileError, match=said) as refused:
        KeyRing(path)

    assert "secret-secret" not in str(refused.value)
    assert "c2hvcnQ" not in str(refused.value)


@pytest.mark.requirement("C6.6:files")
async def test_a_directory_serves_as_kubernetes_mounts_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file a key behind links that are exchanged whole; `current` names what encrypts."""
    monkeypatch.setattr(encryption_keys, "_LOOK_EVERY_S", 0)
    mount = tmp_path / "keys"
    mount.mkdir()

    def put(version: str, files: dict[str, str]) -> None:
        (mount / version).mkdir()
        for name, content in files.items():
            (mount / version / name).write_text(content)
            (mount / version / name).chmod(0o440)
        (mount / "..new").symlink_to(version)
        (mount / "..new").rename(mount / "..data")
        for name in files:
            if not (mount / name).exists():
                (mount / name).symlink_to(f"..data/{name}")

    one, two = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    put("..1", {"k1": one, "current": "k1\n"})
    ring = KeyRing(mount)
    [old] = await EncryptionCodec(ring).encode([payload()])
    put("..2", {"k1": one, "k2": two, "current": "k1\nk2 2026-01-01T00:00:00Z\n"})
    [new] = await EncryptionCodec(ring).encode([payload()])

    assert [old.metadata[KEY_ID], new.metadata[KEY_ID]] == [b"k1", b"k2"]
    assert await EncryptionCodec(ring).decode([old, new]) == [payload(), payload()]


@pytest.mark.requirement("C6.6:files")
async def test_keys_that_cannot_be_read_again_do_not_stop_who_has_them(
    path: Path, ring: KeyRing
) -> None:
    """A file that is empty or broken for a moment changes nothing."""
    [secret] = await EncryptionCodec(ring).encode([payload()])
    put(path, "broken =")

    assert ring.current().id == "first"
    put(path, "")
    assert await EncryptionCodec(ring).decode([secret]) == [payload()]


@pytest.mark.requirement("C6.6:large")
async def test_a_large_payload_is_kept_once_however_often_it_is_replayed(
    sealed: Database,
) -> None:
    """It leaves the history as before, encrypted in the database as well, and comes back whole."""
    converter = data_converter(sealed)
    value = CANARY * (THRESHOLD_BYTES // 4)

    first = await converter.encode([value])
    again = await converter.encode([value])

    assert first[0].SerializeToString(deterministic=True) == again[0].SerializeToString(
        deterministic=True
    )
    assert first[0].ByteSize() < 1_000
    assert await converter.decode(first) == [value]
    async with sealed.transaction() as connection:
        rows = (await connection.execute(text("SELECT content FROM artifacts"))).all()
    assert len(rows) == 1
    assert CANARY.encode() not in bytes(rows[0][0])


@pytest.mark.requirement("C6.6:large")
async def test_a_payload_of_megabytes_leaves_the_event_loop_free(ring: KeyRing) -> None:
    """What takes milliseconds is done in a thread."""
    codec = EncryptionCodec(ring)
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(turn())
    [secret] = await codec.encode([payload(bytes(8_000_000))])
    ticking.cancel()

    assert turns > 1
    assert len((await codec.decode([secret]))[0].data) == 8_000_000


@pytest.mark.requirement("C6.6:failures")
async def test_a_failures_words_and_stack_are_sealed(ring: KeyRing, tmp_path: Path) -> None:
    """The message, the stack trace and the cause's: the server sees the type."""
    from temporalio.api.failure.v1 import Failure  # noqa: PLC0415
    from temporalio.exceptions import ApplicationError  # noqa: PLC0415

    converter = data_converter(Database(f"sqlite:///{tmp_path / 'x.db'}", ring))
    failure = Failure()
    cause = ValueError(CANARY)
    error = ApplicationError(f"told {CANARY}", {"with": CANARY}, type="Told")
    error.__cause__ = cause

    with pytest.raises(ApplicationError) as raised:
        raise error
    await converter.encode_failure(raised.value, failure)

    assert CANARY.encode() not in failure.SerializeToString()
    assert b"test_encryption" not in failure.SerializeToString()
    assert failure.application_failure_info.type == "Told"
    back = await converter.decode_failure(failure)
    assert CANARY in str(back)
    assert CANARY in str(back.__cause__)


@pytest.mark.requirement("C6.6:columns")
async def test_rows_are_sealed_read_and_put_under_the_next_key(
    sealed: Database, path: Path, ring: KeyRing
) -> None:
    """In batches, those in the clear too; then the old key holds nothing and can go."""
    letters, artifacts = DeadLetters(sealed), Artifacts(sealed)
    async with sealed.transaction() as connection:
        before = use(None)
        await artifacts.put(b"hfenc-clear " + CANARY.encode(), artifact_id="clear")
        use(before)
    for number in range(5):
        await artifacts.put(f"{CANARY} {number}".encode(), artifact_id=f"a{number}")
    rotated(path, "second")
    rows = EncryptedRows(sealed, ring)

    held = await rows.under("first")
    done = [each async for each in rows.reencrypt(batch=2)]

    assert held == {"artifacts.content": 5}
    assert [(each.column, each.rows) for each in done] == [("artifacts.content", 2)] * 3
    assert await rows.under("first") == {}
    assert await rows.under("second") == {"artifacts.content": 6}
    assert await artifacts.get("a3") == f"{CANARY} 3".encode()
    assert (await artifacts.page("a3", 0, 6)).content == b"canary"
    assert (await artifacts.page("a3", 0, 6)).size == len(CANARY) + 2
    assert [each async for each in rows.reencrypt()] == []
    async with sealed.transaction() as connection:
        stored = (await connection.execute(text("SELECT content FROM artifacts"))).all()
    assert not any(CANARY.encode() in bytes(row[0]) for row in stored)
    assert await letters.list() == []


@pytest.mark.requirement("C6.6:columns")
def test_a_sealed_value_opens_in_its_own_column_only(ring: KeyRing) -> None:
    """Whoever may write to the database cannot let one column's content pass for another's."""
    cipher = ColumnCipher(ring)
    stored = cipher.seal_text(CANARY, "tickets.text")

    assert cipher.open_text(stored, "tickets.text") == CANARY
    with pytest.raises(Damaged):
        cipher.open_text(stored, "tickets.reply")
    with pytest.raises(Damaged):
        cipher.open_text(stored[:-4], "tickets.text")
    with pytest.raises(KeyMissing):
        ColumnCipher(None).open_text(stored, "tickets.text")


@pytest.mark.requirement("C6.6:columns")
@pytest.mark.parametrize("keyed", [True, False])
def test_content_that_looks_sealed_comes_back_as_it_was(ring: KeyRing, *, keyed: bool) -> None:
    """Nobody makes a row unreadable by writing the mark himself."""
    cipher = ColumnCipher(ring if keyed else None)

    for hostile in ("hfenc1:", "hfenc1:first:QUJD", "hfenc1::x", "\ud800 half"):
        assert cipher.open_text(cipher.seal_text(hostile, "a.b"), "a.b") == hostile
    assert cipher.open(cipher.seal(b"hfenc1:first:x", "a.b"), "a.b") == b"hfenc1:first:x"


@pytest.mark.requirement("C6.6:retire")
def test_the_key_that_encrypts_cannot_be_retired(path: Path) -> None:
    """Nor one that is about to; one before it can, and is gone from the file."""
    file = rotated(path, "second")

    with pytest.raises(KeyFileError, match="'second' encrypts"):
        file.retire("second")
    file.retire("first")

    assert list(KeyFile(path).keys) == ["second"]
    assert path.stat().st_mode & 0o777 == 0o600
