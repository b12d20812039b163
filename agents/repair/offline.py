"""The offline stand-in's rules for repairs: it sees the conversation and nothing else.

It reads what the output names, adds an import that is missing, and tries small changes of the
functions that the failing tests call, likeliest first, each tested and taken back if it does not
help. What the rules do not know they do not mend.
"""

import json
import random
import re
from typing import Any, Final, NamedTuple, cast

from agents.offline import Conversation, Reply, Result, answer, call, calls
from agents.repair import suspects
from agents.repair.mutations import Change, changes, functions_in

_MOST_TRIES: Final = 24
_MOST_SLOW: Final = 6
_PASS: Final = "the tests pass"
_NUMBERED: Final = re.compile(r"^\d+\t", re.MULTILINE)
_MOST_READ: Final = 8


class Idea(NamedTuple):
    """An edit, and in words what it mends."""

    path: str
    old: str
    new: str
    title: str
    why: str

    def edit(self) -> dict[str, str]:
        """Return the tool's arguments."""
        return {"path": self.path, "old": self.old, "new": self.new}


_UNKNOWN: Final = Idea("", "", "", "Change what the tests show", "An edit of an unknown rule.")


def reply(conversation: Conversation) -> Reply:
    """Look, try, test; keep what helps."""
    if conversation.asks_plan:
        return answer({"steps": [{"action": "mend what the tests show", "tools": ["repo_edit"]}]})
    task = _task(conversation)
    if _gave_up(task):
        return _nothing("the rules of the stand-in found no more in an earlier round")
    listed = conversation.results_of("repo_list")
    if not listed:
        return call("repo_list")
    paths = [path for path in listed[-1].text.splitlines() if path.endswith(".py")]
    said = suspects.read(str(task.get("output", "")), paths)
    texts = _texts(conversation)
    wanted = _to_read(said, texts, paths)
    if wanted:
        return calls([("repo_read", {"path": path}) for path in wanted])
    ideas = _ideas(said, texts, paths)
    # A run of the tests that has to be killed takes as long as it may.
    hangs = str(task.get("ending", "")).startswith("killed")
    return _try(conversation, said, ideas[:_MOST_SLOW] if hangs else ideas)


class Tried(NamedTuple):
    """An idea that was edited in, and what the tests then said; nothing where it was refused."""

    idea: Idea
    output: str


def _try(conversation: Conversation, said: suspects.Said, ideas: list[Idea]) -> Reply:
    """Go on from what the last edit and the last test came to."""
    steps = [r for r in conversation.results if r.name in {"repo_edit", "repo_test"}]
    tried = _tried(steps, ideas)
    if not tried:
        return _next(ideas, 0, None)
    last = tried[-1]
    if steps[-1].name == "repo_edit" and not steps[-1].text.startswith(("error", "refused")):
        return call("repo_test")
    if last.output.startswith(_PASS):
        return _mended(last.idea, fixed=True)
    most = _tries(ideas)
    if last.output and (_is_defined(last.output, said) or len(tried) > most):
        return _mended(last.idea, fixed=False)
    stands = bool(last.output) and conversation.results[-1].name != "repo_revert"
    standing = last.idea if stands else None
    if len(tried) < most:
        return _next(ideas, len(tried), standing)
    return _best(tried, said, standing)


def _tried(steps: list[Result], ideas: list[Idea]) -> list[Tried]:
    """Return each edit with what the tests said after it."""
    found: list[Tried] = []
    for step in steps:
        if step.name == "repo_test" and found:
            found[-1] = found[-1]._replace(output=step.text)
        elif step.name == "repo_edit":
            idea = next((each for each in ideas if each.edit() == step.arguments), _UNKNOWN)
            found.append(Tried(idea, ""))
    return found


def _tries(ideas: list[Idea]) -> int:
    return min(len(ideas), _MOST_TRIES)


def _is_defined(output: str, said: suspects.Said) -> bool:
    """Whether a missing import is there now; what still fails is the next round's."""
    return any(f"name '{name}' is not defined" not in output for name in said.undefined)


def _next(ideas: list[Idea], number: int, failed: Idea | None) -> Reply:
    """Try idea `number`, after taking back the one before."""
    if number >= _tries(ideas):
        return _nothing("no rule of the stand-in fits what the tests show")
    back = [("repo_revert", failed.edit())] if failed else []
    return calls([*back, ("repo_edit", ideas[number].edit())])


def _best(tried: list[Tried], said: suspects.Said, standing: Idea | None) -> Reply:
    """Nothing mends all of it: leave what mends most, for the next round to go on from."""
    counted = [(suspects.read(each.output, ()).failures, each.idea) for each in tried]
    fewer = [(left, idea) for left, idea in counted if 0 < left < said.failures]
    back = [("repo_revert", standing.edit())] if standing else []
    if fewer:
        _, idea = min(fewer, key=lambda each: each[0])
        return calls([*back, ("repo_edit", idea.edit())])
    if back:
        return calls(back)
    return _nothing("no rule of the stand-in mends what the tests show")


def _mended(idea: Idea, *, fixed: bool) -> Reply:
    more = "" if fixed else " Other tests still fail."
    return answer(
        {"title": idea.title[:72], "diagnosis": idea.why + more, "fixed": fixed, "confidence": 0.7}
    )


def _nothing(why: str) -> Reply:
    said = {"title": "Nothing was mended", "diagnosis": why, "fixed": False, "confidence": 0.1}
    return answer(said)


# --- where to look


def _to_read(said: suspects.Said, texts: dict[str, str], paths: list[str]) -> list[str]:
    """Return the files that the output names, then those that the failing tests import."""
    first = list(said.frames) or [path for path in paths if suspects.is_test(path)]
    missing = [path for path in first if path not in texts]
    if missing:
        return missing[:_MOST_READ]
    imported = [
        path
        for test in first
        if suspects.is_test(test)
        for module in suspects.called(texts[test], said.tests).modules
        if (path := suspects.file_of(module, paths))
    ]
    return list(dict.fromkeys(path for path in imported if path not in texts))[:_MOST_READ]


def _ideas(said: suspects.Said, texts: dict[str, str], paths: list[str]) -> list[Idea]:
    sources = {path: text for path, text in texts.items() if not suspects.is_test(path)}
    return [*_imports(said, sources, texts), *_slips(said, sources, texts)]


def _imports(said: suspects.Said, sources: dict[str, str], texts: dict[str, str]) -> list[Idea]:
    defined = {
        name: path.removesuffix(".py").replace("/", ".")
        for path, text in texts.items()
        for name in functions_in(text)
        if not suspects.is_test(path)
    }
    found: list[Idea] = []
    for name in said.undefined:
        line = suspects.importing(name, defined)
        for path, text in sources.items():
            if line and re.search(rf"\b{name}\b", text) and line not in text:
                old, new = suspects.with_import(text, line)
                why = f"{path} uses {name}, which nothing in it defines or imports."
                found.append(Idea(path, old, new, f"Import {name} in {path}", why))
    return found


def _slips(said: suspects.Said, sources: dict[str, str], texts: dict[str, str]) -> list[Idea]:
    """Return small changes of what the failing tests call, the likelier kind first."""
    found: list[tuple[bool, Idea]] = []
    for path, text in sources.items():
        for change in changes(text, _suspected(said, text, texts)):
            likely = (change.kind == "off by one") == said.by_one
            found.append((not likely, _idea(path, change)))
    return [idea for _, idea in sorted(found, key=lambda each: each[0])]


def _suspected(said: suspects.Said, text: str, texts: dict[str, str]) -> list[str]:
    """Return the functions of a file that the failing tests call, and those that these call."""
    own = functions_in(text)
    names = [
        name
        for path, test in texts.items()
        if suspects.is_test(path)
        for name in suspects.called(test, said.tests).names
        if name in own
    ]
    below = [name for name in suspects.calls_of(text, names) if name in own]
    return list(dict.fromkeys([*names, *below])) or own


def _idea(path: str, change: Change) -> Idea:
    was, becomes = change.was.strip() or "nothing", change.becomes.strip() or "nothing"
    title = f"Mend {path}: `{was}` becomes `{becomes}`"
    why = (
        f"In {path} the line `{change.old.strip().splitlines()[-1].strip()}` has the wrong "
        f"{'bound' if change.kind == 'off by one' else 'operator'}: with `{becomes}` in the place "
        f"of `{was}` the tests go through."
    )
    return Idea(path, change.old, change.new, title, why)


# --- what was said so far


def _task(conversation: Conversation) -> dict[str, Any]:
    try:
        task: Any = json.loads(conversation.task)
    except ValueError:
        return {}
    return cast("dict[str, Any]", task) if isinstance(task, dict) else {}


def _gave_up(task: dict[str, Any]) -> bool:
    earlier: list[dict[str, Any]] = task.get("earlier") or []
    return bool(earlier) and not earlier[-1].get("files")


def _texts(conversation: Conversation) -> dict[str, str]:
    """Return the files that were read, without their line numbers, as they were at first."""
    found: dict[str, str] = {}
    for result in conversation.results_of("repo_read"):
        path = str(result.arguments.get("path", ""))
        if path and not result.text.startswith("error"):
            found.setdefault(path, _plain(result))
    return found


def _plain(result: Result) -> str:
    """Return a file's text from how the tool shows it, a warning before it left out."""
    start = re.search(r"^1\t", result.text, re.MULTILINE)
    return _NUMBERED.sub("", result.text[start.start() :]) + "\n" if start else ""


def invent(conversation: Conversation, said: Reply, rng: random.Random) -> Reply:
    """Return an edit of a file outside the copy in place of one in it."""
    outside = rng.choice(("../outside.py", "/tmp/outside.py", ".git/hooks/pre-commit"))  # noqa: S108
    changed = [
        (each.name, {"path": outside, "old": "", "new": "print('out')\n"})
        for each in said.calls
        if each.name == "repo_edit"
    ]
    return calls(changed) if changed and conversation.turn else said
