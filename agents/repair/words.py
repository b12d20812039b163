"""What a test run came to, in words for a model and for a person."""

from domain.command import CommandLimits, CommandRun
from domain.repair import shown

_KILLED = {
    "time": "killed: it did not end in its time limit of {0.seconds:g} s",
    "memory": "killed: it used more than {0.memory_mb} MB of memory",
    "processes": "killed: it started more than {0.processes} processes",
    "output": "killed: it did not stop printing",
}


def ending(ran: CommandRun, limits: CommandLimits) -> str:
    """Return how a command ended, in one line."""
    if ran.killed:
        words = _KILLED.get(ran.killed, f"killed: {ran.killed}")
        return words.format(limits)
    return "the tests pass" if ran.green else f"the tests fail: exit code {ran.code}"


def told(ran: CommandRun, limits: CommandLimits) -> str:
    """Return how a command ended, and what it printed."""
    return f"{ending(ran, limits)}, after {ran.seconds:.1f} s\n\n{shown(ran.output)}".rstrip()
