"""Fairness is on at the embedded server, and strands nobody's work where it was off before."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from runtime.matching import FAIRNESS, fairness


def queue(acked: int, kind: int = 1, *, subqueue: bool = False) -> bytes:
    """Return a task queue's record as the server writes it: protobuf."""
    record = b"\x0a\x03abc" + bytes([4 << 3, kind])
    if subqueue:
        inner = bytes([2 << 3]) + varint(acked)
        return record + bytes([(9 << 3) | 2, len(inner)]) + inner
    return record + bytes([5 << 3]) + varint(acked)


def varint(value: int) -> bytes:
    """Return a number in protobuf's encoding."""
    low, high = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(high) if high else bytes([low])


def server_file(folder: Path, tasks: list[int], record: bytes | None) -> Path:
    """Write the tables of a server of before."""
    file = folder / "temporal.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE tasks (range_hash, task_queue_id, task_id, data)")
        database.execute("CREATE TABLE task_queues (range_hash, task_queue_id, data)")
        database.executemany("INSERT INTO tasks VALUES (1, 'q', ?, '')", [[n] for n in tasks])
        if record is not None:
            database.execute("INSERT INTO task_queues VALUES (1, 'q', ?)", [record])
        database.commit()
    return file


@pytest.mark.requirement("C5.5:turns-server")
@pytest.mark.parametrize(
    ("tasks", "record", "fair"),
    [
        ([], None, True),
        ([100, 300], queue(300), True),
        ([100, 301], queue(300), False),
        ([100, 301], queue(301, subqueue=True), True),
        ([100, 301], queue(300, subqueue=True), False),
        ([7], queue(3, kind=2), True),
        ([7], None, False),
    ],
    ids=["empty", "handed out", "waits", "subqueue", "waits in one", "sticky", "no record"],
)
def test_a_file_of_before_is_switched_over_once_nothing_waits(
    tmp_path: Path, tasks: list[int], record: bytes | None, fair: bool
) -> None:
    """What waits in the old tables would wait for ever."""
    file = server_file(tmp_path, tasks, record)

    assert fairness(file) == (FAIRNESS if fair else ())


@pytest.mark.requirement("C5.5:turns-server")
def test_a_new_server_is_fair_and_one_that_cannot_be_read_stays_as_it_is(tmp_path: Path) -> None:
    """Better unfair than stranded; a version without the old tables has left nothing in them."""
    broken, newer = tmp_path / "broken.db", tmp_path / "newer.db"
    broken.write_bytes(b"no database" * 100)
    sqlite3.connect(newer).close()

    assert fairness(tmp_path / "none.db") == FAIRNESS
    assert fairness(newer) == FAIRNESS
    assert fairness(broken) == ()
