"""A worker killed twice in the middle of a batch: every document ends once, as it should."""

from pathlib import Path

import pytest

from bench.batch import faults
from bench.drill.rig import rig


@pytest.mark.slow
@pytest.mark.timeout(150)
async def test_two_kills_lose_no_document_and_buy_nothing_again(tmp_path: Path) -> None:
    """A tenth fails for good and is named; the rest is done; no recorded call is made again."""
    async with rig(tmp_path) as running:
        rows = await faults(running, 40)

    assert [row for row in rows if not row.good] == []
