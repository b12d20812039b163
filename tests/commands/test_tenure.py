"""One command serves a home; what a killed one left is found and ended."""

import subprocess
import sys
from pathlib import Path

import pytest

from commands import tenure
from commands.errors import CommandError
from commands.tenure import Tenure

_WORD = "held_for_the_test"


def test_a_home_that_nobody_serves_is_taken(tmp_path: Path) -> None:
    """The first to come inherits nothing, and leaves nothing."""
    assert tenure.claim(tmp_path) is False

    tenure.leave(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_command_left_is_ended(tmp_path: Path) -> None:
    """Its children are ended by their ids, and the next command knows that it inherits."""
    child = _sleeper(_WORD)
    _write(tmp_path, pid=2**22 + 1, children={child.pid: _WORD})

    inherited = tenure.claim(tmp_path)

    assert inherited is True
    assert child.wait(10) != 0
    child.communicate()


def test_an_id_that_was_used_again_is_left_alone(tmp_path: Path) -> None:
    """A process that is not the one written down is somebody else's."""
    other = _sleeper("somebody_else")
    _write(tmp_path, pid=2**22 + 1, children={other.pid: _WORD})

    tenure.claim(tmp_path)

    assert other.poll() is None
    other.kill()
    other.communicate()


def test_a_home_that_somebody_serves_is_refused(tmp_path: Path) -> None:
    """The error says who it is."""
    serving = _sleeper("starter.py")
    _write(tmp_path, pid=serving.pid, children={})

    try:
        with pytest.raises(CommandError, match=str(serving.pid)):
            tenure.claim(tmp_path)
    finally:
        serving.kill()
        serving.communicate()


def _sleeper(word: str) -> "subprocess.Popen[str]":
    """Return a process with `word` on its command line, once it runs its program."""
    program = f"'{word}'; import time; print('runs', flush=True); time.sleep(60)"
    started = subprocess.Popen(  # noqa: S603 - a fixed program
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "runs\n"
    return started


def _write(home: Path, pid: int, children: dict[int, str]) -> None:
    (home / "up.json").write_text(Tenure(pid=pid, children=children).model_dump_json())
