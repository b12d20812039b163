"""Small broken repositories, and the offline stand-in's rules as a scripted model."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from agents.offline import Conversation, Result, Said
from agents.repair import offline
from agents.repair.spec import AGENT
from domain.messages import Message
from domain.taint import unmarked
from tests.fakes import Asked, Say, calls

TEST = "python -m unittest -q"
PYTEST = "python -m pytest -q -p no:cacheprovider"
_UNITTEST = "import unittest\nfrom {module} import {name}\n\n\nclass Check(unittest.TestCase):\n"

OPERATOR = {
    "prices.py": '"""Prices."""\n\n\ndef total(net, tax):\n    """Add the tax."""\n'
    "    return net - tax\n",
    "test_prices.py": _UNITTEST.format(module="prices", name="total")
    + "    def test_the_tax_is_added(self):\n        self.assertEqual(total(100, 19), 119)\n\n"
    "    def test_no_tax(self):\n        self.assertEqual(total(100, 0), 100)\n",
}
MISSING_IMPORT = {
    "shapes/__init__.py": "",
    "shapes/circle.py": '"""Circles."""\n\n\ndef area(radius):\n    """Return the area."""\n'
    "    return math.pi * radius**2\n",
    "test_circle.py": _UNITTEST.format(module="shapes.circle", name="area")
    + "    def test_the_unit_circle(self):\n        self.assertAlmostEqual(area(1), 3.14159, 4)\n",
}
OFF_BY_ONE = {
    "sums.py": "def sum_to(last):\n    found = 0\n    for number in range(last):\n"
    "        found += number\n    return found\n",
    "test_sums.py": _UNITTEST.format(module="sums", name="sum_to")
    + "    def test_the_first_four(self):\n        self.assertEqual(sum_to(4), 10)\n\n"
    "    def test_one(self):\n        self.assertEqual(sum_to(1), 1)\n",
}
BROKEN: Mapping[str, tuple[Mapping[str, str], str]] = {
    "wrong operator": (OPERATOR, TEST),
    "missing import": (MISSING_IMPORT, PYTEST),
    "off by one": (OFF_BY_ONE, PYTEST),
}
"""What is wrong: the files, and the command that shows it."""


def git(folder: Path, *arguments: str) -> str:
    """Run Git in a repository of a test."""
    known = ["-c", "user.name=tester", "-c", "user.email=tester@localhost"]
    done = subprocess.run(  # noqa: S603 - a fixed program
        ["git", *known, "-C", str(folder), *arguments],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def repository(folder: Path, files: Mapping[str, str]) -> Path:
    """Make a repository with one commit of `files`."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "As it is")
    return folder


def snapshot(folder: Path) -> dict[str, str]:
    """Return everything a repair must leave alone: files, index, HEAD, branches, worktrees."""
    files = {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8", errors="replace")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts[:1]
    }
    looks = {
        "index": git(folder, "ls-files", "-s"),
        "head": git(folder, "rev-parse", "HEAD"),
        "on": git(folder, "status", "--porcelain", "--branch"),
        "refs": git(folder, "for-each-ref"),
        "worktrees": git(folder, "worktree", "list"),
        "objects": git(folder, "count-objects"),
    }
    return files | looks


def rules(asked: Asked) -> Say:
    """Answer as the offline stand-in does."""
    said = offline.reply(conversation(asked.messages))
    if said.calls:
        return calls(*((each.name, dict(each.arguments)) for each in said.calls))  # pyright: ignore[reportArgumentType, reportCallIssue]
    return Say(said.text)


def conversation(messages: tuple[Message, ...]) -> Conversation:
    """Return what the stand-in sees of a transcript."""
    made = {call.id: call for message in messages for call in message.calls}
    found = Conversation(
        task=messages[0].text,
        tools=[tool.spec.name for tool in AGENT.tools],
        messages=[Said(message.role, message.text) for message in messages],
        turn=sum(message.role == "assistant" for message in messages) + 1,
    )
    latest: dict[str, tuple[str, str]] = {}
    for message in messages:
        for call in message.calls:
            latest[call.id] = (call.name, call.arguments)
        if message.role == "tool":
            name, arguments = latest[message.call_id]
            found.results.append(Result(name, json.loads(arguments), unmarked(message.text)))
    assert made or len(messages) == 1
    return found
