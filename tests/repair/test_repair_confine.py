"""Commands that are not trusted: what each level of the confinement keeps them from."""

import asyncio
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from agents.confine.run import ConfineError, run
from domain.command import CommandLimits, CommandRun

# The most confined; without a root of its own; with Landlock alone. Each only where it is there.
LEVELS = (0, 1, 2)
SECRET = "sk-confined-4711"


async def ran(folder: Path, command: str, level: int = 0, **limits: Any) -> CommandRun:
    """Run a command in a folder of its own."""
    place = folder / "copy"
    place.mkdir(exist_ok=True)
    allowed = CommandLimits(**({"seconds": 20} | limits))
    return await run(command, cwd=place, folder=place, limits=allowed, least=level)


async def available(folder: Path, level: int) -> CommandRun:
    """Skip where this system does not have a level; it is asked without any of our code."""
    probe = await ran(folder, "true", level)
    has = (_can_unshare("--pid", "--fork", "--mount"), _can_unshare(), probe.confined.filesystem)
    if not has[level]:
        pytest.skip(f"this system has no level {level}: {probe.confined.refused}")
    assert not probe.confined.refused
    return probe


def _can_unshare(*more: str) -> bool:
    """Whether util-linux's own program may make the namespaces here."""
    program = shutil.which("unshare")
    asked = [program or "", "--user", "--map-root-user", "--net", "--ipc", "--uts", *more, "true"]
    return bool(program) and not subprocess.run(asked, capture_output=True, check=False).returncode  # noqa: S603


def python(code: str) -> str:
    """Return a command that runs Python code."""
    quoted = code.replace("'", "'\\''")
    return f"python -c '{quoted}'"


REACH_OUT = python("import socket; socket.create_connection(('127.0.0.1', {port}), 3)")


@pytest.mark.requirement("C4.7:no-network")
@pytest.mark.parametrize("level", LEVELS)
async def test_a_service_of_the_machine_is_out_of_reach(tmp_path: Path, level: int) -> None:
    """A port that is open on the machine's loopback, which stands for all other addresses."""
    await available(tmp_path, level)
    knocks: list[object] = []
    server = await asyncio.start_server(lambda r, w: knocks.append((r, w)), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async with server:
        found = await ran(tmp_path, REACH_OUT.format(port=port), level)

    assert not found.green
    assert not knocks
    assert "refused" in found.output.lower() or "permission denied" in found.output.lower()


@pytest.mark.requirement("C4.7:no-network")
async def test_a_command_reaches_itself(tmp_path: Path) -> None:
    """Tests may start a server of their own: the loopback is up."""
    await available(tmp_path, 0)
    code = (
        "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); "
        "socket.create_connection(s.getsockname(), 3); print('reached')"
    )

    found = await ran(tmp_path, python(code))

    assert (found.green, found.output.strip()) == (True, "reached")


@pytest.mark.requirement("C4.7:no-secrets")
@pytest.mark.parametrize("level", LEVELS)
async def test_no_variable_of_the_worker_is_seen(
    tmp_path: Path, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in its own environment nor in that of any process that /proc shows."""
    await available(tmp_path, level)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)

    found = await ran(tmp_path, f"env; cat /proc/*/environ /proc/{os.getpid()}/environ", level)

    assert "TMPDIR=" in found.output
    assert SECRET not in found.output
    own = {line.partition("=")[0] for line in found.output.splitlines() if line[:4] != "cat:"}
    assert {"HOME", "LANG", "PATH", "TMPDIR"} <= own


@pytest.mark.requirement("C4.7:own-folder")
@pytest.mark.parametrize("level", LEVELS)
async def test_nothing_outside_its_folder_is_changed_or_read(tmp_path: Path, level: int) -> None:
    """A file beside the folder, one in the home folder and one of the system."""
    await available(tmp_path, level)
    outside = tmp_path / "outside.txt"
    outside.write_text("a person's")
    commands = (
        f"echo gone > {outside}",
        f"rm -f {outside} && echo removed",
        f"cat {outside}",
        f"ln -s {outside} link && cat link && echo gone > link",
        f"echo x > {tmp_path}/new.txt",
        "cat /etc/shadow",
    )

    found = [await ran(tmp_path, command, level) for command in commands]

    assert outside.read_text() == "a person's"
    assert [each.output for each in found if "a person's" in each.output] == []
    assert not (tmp_path / "new.txt").exists()
    assert not found[-1].green


@pytest.mark.requirement("C4.7:own-folder")
async def test_its_own_folder_it_may_fill(tmp_path: Path) -> None:
    """Files, folders, links; HOME and TMPDIR are in it too."""
    found = await ran(tmp_path, "mkdir a && echo x > a/b && ln -s a/b c && cat c $(mktemp) && cd ~")

    assert (found.green, found.output) == (True, "x\n")
    assert (tmp_path / "copy" / "a" / "b").read_text() == "x\n"


@pytest.mark.requirement("C4.7:own-folder")
async def test_what_is_named_readable_is(tmp_path: Path) -> None:
    """And not writable."""
    more = tmp_path / "more"
    more.mkdir()
    (more / "data.txt").write_text("shared")
    place = tmp_path / "copy"
    place.mkdir()
    command = f"cat {more}/data.txt; echo x >> {more}/data.txt"

    found = await run(
        command, cwd=place, folder=place, limits=CommandLimits(seconds=20), readable=[str(more)]
    )

    assert found.output.startswith("shared")
    assert (more / "data.txt").read_text() == "shared"


@pytest.mark.requirement("C4.7:limits")
@pytest.mark.parametrize("level", LEVELS)
async def test_a_command_that_hangs_is_killed_with_all_it_started(
    tmp_path: Path, level: int
) -> None:
    """A child in the background and one that left its process group too."""
    await available(tmp_path, level)
    mark = f"{os.getpid()}.{level}"
    began = time.monotonic()

    found = await ran(
        tmp_path, f"sleep 61{mark} & setsid sleep 62{mark} & sleep 63{mark}", level, seconds=0.5
    )

    assert (found.killed, found.code) == ("time", None)
    assert time.monotonic() - began < 10
    assert [p for p in psutil.process_iter(["cmdline"]) if mark in str(p.info["cmdline"])] == []


@pytest.mark.requirement("C4.7:limits")
async def test_a_command_whose_asker_is_gone_is_killed(tmp_path: Path) -> None:
    """A cancelled activity leaves nothing running."""
    mark = f"64.{os.getpid()}"
    task = asyncio.create_task(ran(tmp_path, f"echo on > on; sleep {mark}"))
    async with asyncio.timeout(20):
        while not (tmp_path / "copy" / "on").exists():
            await asyncio.sleep(0.05)

    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert time.monotonic() - began < 10  # not after the launcher's own patience

    assert [p for p in psutil.process_iter(["cmdline"]) if mark in str(p.info["cmdline"])] == []


@pytest.mark.requirement("C4.7:limits")
async def test_memory_is_limited(tmp_path: Path) -> None:
    """Of one process by the kernel, of all together by the launcher."""
    one = await ran(tmp_path, python("x = bytearray(300_000_000)"), memory_mb=100)
    hold = python("import time; x = bytearray(60_000_000); time.sleep(10)")
    many = await ran(tmp_path, " & ".join([hold] * 4) + " ; wait", memory_mb=150)

    assert "MemoryError" in one.output
    assert many.killed == "memory"


@pytest.mark.requirement("C4.7:limits")
async def test_processes_are_limited(tmp_path: Path) -> None:
    """A command that goes on starting others."""
    found = await ran(tmp_path, "for i in $(seq 60); do sleep 30 & done; wait", processes=20)

    assert found.killed == "processes"


@pytest.mark.requirement("C4.7:limits")
async def test_output_is_cut_and_a_flood_is_killed(tmp_path: Path) -> None:
    """Beginning and end are kept; one that never stops is ended."""
    cut = await ran(tmp_path, "seq 3000; echo the end", output_bytes=2_000)
    flood = await ran(tmp_path, "yes", output_bytes=2_000)

    assert cut.green
    assert cut.output.startswith("1\n2\n")
    assert cut.output.endswith("the end\n")
    assert "bytes left out" in cut.output
    assert len(cut.output.encode()) < 2_100
    assert cut.dropped > 10_000
    assert (flood.killed, len(flood.output) < 2_100) == ("output", True)


@pytest.mark.requirement("C4.7:limits")
async def test_a_file_is_limited(tmp_path: Path) -> None:
    """A command cannot fill the disk with one file."""
    found = await ran(tmp_path, "head -c 3000000 /dev/zero > big", file_mb=1)

    assert not found.green
    assert (tmp_path / "copy" / "big").stat().st_size <= 1 << 20


@pytest.mark.requirement("C4.7:says-confined")
async def test_what_is_in_force_is_said_and_what_is_not(tmp_path: Path) -> None:
    """Level by level, by what each really has."""
    most = await available(tmp_path, 0)
    least = await ran(tmp_path, "true", level=2)

    assert (most.confined.network, most.confined.filesystem) == (True, True)
    assert "a network of its own" in most.confined.how
    assert not least.confined.network
    assert "a network of its own" not in least.confined.how


@pytest.mark.requirement("C4.7:says-confined")
async def test_exit_codes_are_the_commands_own(tmp_path: Path) -> None:
    """Also of one that a signal ended, as a shell tells it."""
    codes = [(await ran(tmp_path, command)).code for command in ("exit 7", "kill -9 $$", "nowhere")]

    assert codes == [7, 137, 127]


@pytest.mark.requirement("C4.7:limits")
async def test_a_launcher_that_cannot_start_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the command ran."""
    monkeypatch.setattr("agents.confine.run._START", "raise SystemExit('no launcher {}')")

    with pytest.raises(ConfineError, match="no launcher"):
        await ran(tmp_path, "touch ran")

    assert not (tmp_path / "copy" / "ran").exists()
