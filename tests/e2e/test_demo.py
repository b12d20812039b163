"""The demo, in a pipe."""

from pathlib import Path

import pytest

from tests.e2e.cli import Cli


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demo_finds_all_and_repeats_nothing(alone: Cli) -> None:
    """Its worker killed, every planted fault is found, no recorded call is made again."""
    told = alone.process("demo", "--json")

    assert told.code == 0, told.err
    assert told.json["all_found"]
    assert len(told.json["findings"]) == len(told.json["planted"]) == 8
    assert told.json["model_calls_repeated"] == 0
    assert told.json["model_calls_recorded"] == told.json["model_calls"]
    assert "signal `approve`" in told.err
    assert Path(told.json["report"]).stat().st_size > 10_000
    assert not (Path(told.json["report"]).parent / "server.json").exists()
