"""Who may signal, by the Temporal server's own authorisation; skipped where its binary is not."""

from pathlib import Path

import pytest

from bench.authority.attempts import ALLOWED, DENIED, TRIES
from bench.authority.house import NOBODY, READER, WRITER, look
from bench.authority.server import ServerMissing, binary

pytestmark = pytest.mark.slow


@pytest.mark.timeout(300)
@pytest.mark.requirement("C6.7:server-authorises")
async def test_a_reader_looks_and_a_writer_signals(tmp_path: Path) -> None:
    """Eight callers try eight things; a real worker with a key of its own serves the run.

    Who signals is what the sender says: the server checks the signed name, and does not write it.
    """
    try:
        binary()
    except ServerMissing as missing:
        pytest.skip(str(missing))

    found = await look(tmp_path)

    assert set(found.told[WRITER].values()) == {ALLOWED}
    reader = {what for what, told in found.told[READER].items() if told == DENIED}
    assert reader == TRIES.keys() - {"list runs", "describe", "read the history", "query"}
    assert {told for who in NOBODY for told in found.told[who].values()} == {DENIED}
    assert found.as_promised
    assert (found.identity, found.by) == ("the board", "the chair")
    assert "the chair" in found.shown
