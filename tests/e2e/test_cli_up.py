"""`up` and its end."""

import pytest

from tests.e2e.cli import Cli, Up, alive

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_up_serves_until_sigterm_and_leaves_nothing_behind(alone: Cli) -> None:
    """One command serves it all; asked to end, it stops all of it and exits 0."""
    with Up(alone) as up:
        told = alone("doctor", "--json")
        code = up.stop()

    checks = {check["name"]: check["verdict"] for check in told.json}
    assert checks["Temporal server"] == checks["worker"] == "ok", told.out
    assert code == 0
    assert not alive(int(up.told["worker_pid"]))
    assert not alive(int(up.told["offline_pid"]))
    assert alone.process("list").code == 1
