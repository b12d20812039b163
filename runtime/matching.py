"""Fairness between tenants at the embedded server, switched on where nobody's work is left behind.

The server keeps what waits in one set of tables without fairness and in another with it, and reads
only one. A task that waited when it was switched on would wait for ever, and its run with it. So a
file of before gets fairness at the first start at which nothing waits in it.
"""

import sqlite3
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Final

FAIRNESS: Final = (
    "--dynamic-config-value=matching.enableFairness=true",
    # A queue is fair within each of its partitions, and one host needs no second one. With four, a
    # tenant's last calls waited behind another's thousand in a partition that few pollers ask.
    "--dynamic-config-value=matching.numTaskqueueReadPartitions=1",
    "--dynamic-config-value=matching.numTaskqueueWritePartitions=1",
)

_STICKY: Final = 2
_KIND, _ACKED, _SUBQUEUES, _SUB_ACKED = 4, 5, 9, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LEFT: Final = """
    SELECT queue.data, MAX(task.task_id) FROM tasks AS task
    LEFT JOIN task_queues AS queue USING (range_hash, task_queue_id)
    GROUP BY task.range_hash, task.task_queue_id
"""


def fairness(file: Path) -> tuple[str, ...]:
    """Return the flags that switch fairness on; none where tasks wait that it would strand.

    Args:
        file: The server's database; it need not exist yet. The server must not run.
    """
    return () if file.exists() and _waits(file) else FAIRNESS


def _waits(file: Path) -> bool:
    """Whether a task lies in the tables of before that was not yet handed out."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            rows = database.execute(_LEFT).fetchall()
    except sqlite3.Error as error:
        # A version without these tables has left nothing in them; else better unfair than stranded.
        return "no such table" not in str(error)
    return any(_is_left(queue, last) for queue, last in rows)


def _is_left(queue: bytes | None, last: int) -> bool:
    if queue is None:
        return True
    fields = list(_fields(queue))
    if (_KIND, _STICKY) in fields:  # these have no fairness, and are read as before
        return False
    acked = [value for number, value in fields if number == _ACKED and isinstance(value, int)]
    for number, value in fields:
        if number == _SUBQUEUES and isinstance(value, bytes):
            acked += [n for at, n in _fields(value) if at == _SUB_ACKED and isinstance(n, int)]
    return last > max(acked, default=0)


def _fields(message: bytes) -> Generator[tuple[int, int | bytes]]:
    """Yield the fields of a message in protobuf's encoding, by number."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        length = 8 if kind == _FIXED64 else 4
        if kind == _BYTES:
            length, at = _varint(message, at)
        yield number, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 - the bit that says whether another byte follows
            return value, at
