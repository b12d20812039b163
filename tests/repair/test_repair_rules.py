"""The offline stand-in's rules: what they find in a source, and where they look."""

import json
from collections.abc import Callable
from typing import cast

import pytest

from agents.offline import Conversation, Reply, Result
from agents.repair import offline, suspects
from agents.repair.mutations import changes

SOURCE = '''"""Numbers."""


def first(items, count):
    found = []
    for at in range(count - 1):
        if at <= len(items) and items[at] != 0:
            found.append(items[at])
    return found


def other():
    return 1 + 1
'''


@pytest.mark.requirement("C4.7:rules")
@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("range(count - 1)", "range(count)"),
        ("at <= len", "at < len"),
        ("and items", "or items"),
        ("!= 0", "== 0"),
        ("items[at]", "items[at + 1]"),
        ("!= 0", "!= 1"),
    ],
)
def test_a_slip_is_among_the_changes(was: str, becomes: str) -> None:
    """Each as an edit of whole lines that are in the file once."""
    found = changes(SOURCE, ["first"])

    made = [SOURCE.replace(each.old, each.new) for each in found]
    assert any(becomes in text for text in made)
    assert [each for each in found if SOURCE.count(each.old) != 1] == []


@pytest.mark.requirement("C4.7:rules")
def test_lines_that_are_there_twice_are_told_apart() -> None:
    """The edit takes as many lines before as it needs."""
    twice = "def a(x):\n    return x - 1\n\n\ndef b(x):\n    return x - 1\n"

    found = changes(twice, ["b"])

    assert found
    assert all(twice.count(each.old) == 1 for each in found)
    assert all(
        twice.replace(each.old, each.new).startswith("def a(x):\n    return x - 1\n")
        for each in found
    )


@pytest.mark.requirement("C4.7:rules")
def test_the_output_says_where_to_look() -> None:
    """Of pytest and of unittest, with the paths cut to the repository's."""
    output = (
        "src/pkg/mod.py:7: NameError\n"
        "E   NameError: name 'math' is not defined\n"
        "FAILED tests/test_mod.py::TestIt::test_area[3] - NameError\n"
        '  File "/x/run-1/tree/app.py", line 3, in go\n'
        "FAIL: test_sum (test_app.Check.test_sum)\n"
        "AssertionError: 6 != 7\n"
        "2 failed, 1 passed"
    )
    paths = ["src/pkg/mod.py", "tests/test_mod.py", "app.py", "other.py"]

    said = suspects.read(output, paths)

    assert said.undefined == ("math",)
    assert said.frames == ("src/pkg/mod.py", "app.py", "tests/test_mod.py")
    assert said.tests == ("test_area", "test_sum")
    assert (said.by_one, said.failures) == (True, 2)


@pytest.mark.requirement("C4.7:rules")
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def area(r):\n    return math.pi\n", "import math\n\n\ndef area"),
        ('"""Doc."""\n\nimport re\n\nx = 1\n', '"""Doc."""\n\nimport math\nimport re'),
        ("from __future__ import annotations\nimport re\n", "annotations\nimport math\nimport re"),
        ("@cache\ndef area(r):\n    pass\n", "import math\n\n\n@cache\ndef"),
    ],
)
def test_an_import_goes_where_imports_go(source: str, expected: str) -> None:
    """Behind the docstring, before what is there, before a decorator."""
    old, new = suspects.with_import(source, "import math")

    assert source.count(old) == 1
    assert expected in source.replace(old, new)


@pytest.mark.requirement("C4.7:rules")
def test_rules_that_know_nothing_say_so() -> None:
    """After a round that changed nothing there is nothing to look at again."""
    first = offline.reply(Conversation(task="no JSON", tools=["repo_list"]))
    after = offline.reply(Conversation(task='{"earlier": [{"files": []}]}'))

    assert [each.name for each in first.calls] == ["repo_list"]
    assert '"fixed": false' in after.text


def played(files: dict[str, str], tested: Callable[[dict[str, str]], str]) -> list[Reply]:
    """Let the stand-in work on files in memory until it answers; `tested` is what tests print."""
    now, replies = dict(files), list[Reply]()
    task = json.dumps({"output": tested(now), "earlier": []})
    conversation = Conversation(task=task)
    while len(replies) < 60:
        replies.append(offline.reply(conversation))
        if not replies[-1].calls:
            return replies
        for each in replies[-1].calls:
            arguments = dict(cast("dict[str, str]", each.arguments))
            text = _did(now, each.name, arguments, tested)
            conversation.results.append(Result(each.name, arguments, text))
    return replies


def _did(
    now: dict[str, str], name: str, given: dict[str, str], tested: Callable[[dict[str, str]], str]
) -> str:
    if name == "repo_list":
        return "\n".join(now)
    if name == "repo_read":
        lines = now[given["path"]].splitlines()
        return "\n".join(f"{number}\t{line}" for number, line in enumerate(lines, 1))
    if name == "repo_test":
        return tested(now)
    old, new = (given["old"], given["new"])[:: 1 if name == "repo_edit" else -1]
    if now[given["path"]].count(old) != 1:
        return "error: it is not there once"
    now[given["path"]] = now[given["path"]].replace(old, new)
    return '{"edits": 1}'


_FILES = {
    "calc.py": "def grow(a, b):\n    return a - b\n\n\ndef last(items):\n    return items[-2]\n",
    "test_calc.py": "from calc import grow, last\n\n\ndef test_grow():\n    grow(1, 2)\n\n\n"
    "def test_last():\n    last([1])\n",
}


def _failing(*names: str) -> str:
    told = "".join(f"FAILED test_calc.py::{name} - assert\n" for name in names)
    return f"the tests fail: exit code 1\n\n{told}{len(names)} failed"


@pytest.mark.requirement("C4.7:rules")
def test_rules_that_find_nothing_leave_nothing_and_end() -> None:
    """Every edit is taken back, and the answer does not claim anything."""
    replies = played(_FILES, lambda _: _failing("test_grow", "test_last"))

    named = [each.name for reply in replies for each in reply.calls]
    assert '"fixed": false' in replies[-1].text
    assert named.count("repo_edit") == named.count("repo_revert") > 4
    assert named[-1] == "repo_revert"


@pytest.mark.requirement("C4.7:rules")
def test_of_two_faults_the_one_that_is_mended_stays_mended() -> None:
    """The next round goes on from there."""

    def tested(files: dict[str, str]) -> str:
        wrong = ["test_last"] if "return a + b" in files["calc.py"] else ["test_grow", "test_last"]
        return _failing(*wrong)

    replies = played(_FILES, tested)

    edits = [each for reply in replies for each in reply.calls if each.name == "repo_edit"]
    assert "return a + b" in str(edits[-1].arguments)
    assert '"fixed": false' in replies[-1].text
    assert "Other tests still fail" in replies[-1].text
