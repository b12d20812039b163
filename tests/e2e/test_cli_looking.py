"""Looking at runs from the command line: pages, comparison, live table, audit log."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from runtime.settings import PROJECT
from tests.e2e.cli import Cli

pytestmark = pytest.mark.slow


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Orders, in a folder that may be written to."""
    return Path(shutil.copy(PROJECT / "docs/examples/delegation/orders.csv", tmp_path))


def _refunds(cli: Cli, orders: Path, run_id: str, reason: str) -> None:
    task = json.dumps({"order_id": "A-17", "reason": reason})
    cli("run", "refunds", task, "--data", f"orders={orders}", "--id", run_id, "--by", "ann")


def test_a_run_is_looked_at_compared_and_logged(cli: Cli, orders: Path, tmp_path: Path) -> None:
    """One run that a person decides, and one that it is compared with, by all that look."""
    first, second = f"look-{uuid4().hex[:8]}", f"look-{uuid4().hex[:8]}"
    _refunds(cli, orders, first, "it came broken")

    asking = cli("top", "--json").json
    mine = next(run for run in asking["runs"] if run["run_id"] == first)
    assert (mine["wants"], mine["asks"]) == ("approval", "run refund")
    assert mine["waits_seconds"] > 0
    open_page = cli("report", first, "--html", str(tmp_path / "open.html"))
    assert open_page.code == 0
    assert "It asks a person: run refund" in (tmp_path / "open.html").read_text()

    assert cli("approve", first, "--by", "ben", "--reason", "photo seen").code == 0
    assert cli("watch", first).code == 0
    assert cli("report", first, "--html", str(tmp_path / "page.html"), "--json").code == 0
    page = (tmp_path / "page.html").read_text()
    assert "chain verified" in page
    assert "as claimed; sent by" in page
    assert "offline stand-in" in page

    _refunds(cli, orders, second, "I do not like it")
    told = cli("compare", first, second, "--json", "--html", str(tmp_path / "both.html")).json
    assert told["common_turns"] == 1
    assert told["diverged"] == "turn 2: A called refund, B answered"
    assert [each["path"] for each in told["fields"] if not each["same"]] == [
        "refunded_cents",
        "note",
    ]

    _log(cli, tmp_path, first)


def _log(cli: Cli, tmp_path: Path, run_id: str) -> None:
    """Export what happened, check it, change it, and see that named."""
    unkeyed = cli("audit-log", "export", "--out", str(tmp_path / "none.log"))
    assert (unkeyed.code, "HOLDFAST_SIGNING_KEY" in unkeyed.err) == (2, True)
    key, log = tmp_path / "audit.key", tmp_path / "audit.log"
    assert cli("audit-log", "keygen", str(key)).code == 0
    cli.more["HOLDFAST_SIGNING_KEY"] = str(key)
    try:
        exported = cli("audit-log", "export", "--out", str(log), "--agent", "refunds", "--json")
        lines = [json.loads(line) for line in log.read_bytes().splitlines()]
        mine = {line["kind"]: line for line in lines if line.get("run_id") == run_id}
        assert exported.json["entries"] == len(lines) - 2
        assert mine["run.started"]["by"] == "ann"
        assert mine["decision"]["by"] == "ben"
        assert mine["decision"]["identity"]
        assert mine["effect"]["tool"] == "refund"
        assert cli("audit-log", "verify", str(log)).code == 0
        log.write_bytes(log.read_bytes().replace(b'"by":"ben"', b'"by":"bob"', 1))
        broken = cli("audit-log", "verify", str(log), "--json")
        assert broken.code == 1
        assert [wrong["fault"] for wrong in broken.json["wrong"]] == ["altered"]
        assert cli("audit-log", "export", "--out", str(log)).code == 2
    finally:
        del cli.more["HOLDFAST_SIGNING_KEY"]


def test_the_live_table_ends_with_ctrl_c_as_if_nothing_were(cli: Cli) -> None:
    """On a terminal it draws until it is interrupted, and its exit code is 0."""
    leader, follower = pty.openpty()
    shown = subprocess.Popen(
        [sys.executable, "starter.py", "top", "--interval", "0.5"],
        cwd=PROJECT,
        env={**cli.env(), "TERM": "xterm", "COLUMNS": "120", "LINES": "30"},
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    seen, until = b"", time.monotonic() + 60
    while b"under way" not in seen and time.monotonic() < until:
        seen += os.read(leader, 65_536)

    shown.send_signal(signal.SIGINT)
    # As a terminal does: what is not read would hold up whoever writes it.
    reader = threading.Thread(target=_read_on, args=(leader,), daemon=True)
    reader.start()

    assert b"under way" in seen
    assert shown.wait(timeout=30) == 0
    reader.join(30)
    os.close(leader)


def _read_on(leader: int) -> None:
    with suppress(OSError):  # the other end is closed
        while os.read(leader, 65_536):
            pass
