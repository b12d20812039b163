"""The worker killed twice in a triage: every ticket ends, and each reply goes out once."""

from pathlib import Path

import pytest

from bench.drill.rig import rig
from bench.triage import triage


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_two_kills_lose_no_ticket_and_send_none_twice(tmp_path: Path) -> None:
    """Thirty tickets with planted ones: the table of the measurement, with no fault in it."""
    async with rig(tmp_path) as running:
        found = await triage(running, 30, seed=7, kills=2, parallel=8)

    assert found.good, found
    assert (found.ended, found.planted_unsure, found.planted_novel) == (30, 2, 2)
    assert (found.sampled, found.sampled_again) == (20, 20)
    assert found.person >= 4
    assert found.right == 1
    # Only calls that were in flight when the worker died may be made again.
    assert found.repeated <= 2 * 8
