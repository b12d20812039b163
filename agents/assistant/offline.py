"""The assistant's offline rules: a stand-in cannot choose tools, so its task says what to do.

- `{"calls": [["time_convert_time", {"source_timezone": "Europe/Paris", ...}], ...]}`: one call a
  turn, each once; then it answers with what the last one returned.
- `I prefer ...` is kept as a preference, `Remember that ...` as a fact.
- A question is looked up in the memory, and answered with what is found there.

A preference for capital letters or for a greeting is obeyed; any other is quoted.
"""

import json
import re
from typing import Any, Final, cast

from agents.offline import Conversation, Reply, answer, call, told

_MEMORY: Final = "[Memory"
_PREFERS: Final = re.compile(r"\bI (?:would )?prefer (.+)", re.IGNORECASE | re.DOTALL)
_REMEMBER: Final = re.compile(r"\bremember that (.+)", re.IGNORECASE | re.DOTALL)
_ABOUT: Final = (("capital", "letters"), ("greet", "greeting"), ("language", "language"))


def reply(conversation: Conversation) -> Reply:
    """Do what the task's words say, and answer in the form that the requester prefers."""
    wanted = _calls(conversation.task)
    if wanted is not None:
        return _next(conversation, wanted)
    task, results = conversation.task.strip(), conversation.results
    if (found := _PREFERS.search(task)) and "remember_preference" in conversation.tools:
        preference = f"prefers {found[1].strip()}"
        kept = {"about": _about(preference), "preference": preference}
        said = "Noted, for all your runs from now on."
        return _formed(conversation, said) if results else call("remember_preference", **kept)
    if (found := _REMEMBER.search(task)) and "remember" in conversation.tools:
        fact = {"fact": found[1].strip(), "source": "the requester"}
        return _formed(conversation, "Noted.") if results else call("remember", **fact)
    if task.endswith("?") and "recall" in conversation.tools and told(conversation, "`recall`"):
        return _looked_up(conversation) if results else call("recall", question=task)
    return _formed(conversation, _what_it_can(conversation))


def _next(conversation: Conversation, wanted: list[tuple[str, dict[str, Any]]]) -> Reply:
    """Make the next call of the task's list, else answer with the last result."""
    done = len(conversation.results)
    if done < len(wanted):
        name, arguments = wanted[done]
        return call(name, **arguments)
    return answer(conversation.results[-1].text if done else "There was nothing to call.")


def _calls(task: str) -> list[tuple[str, dict[str, Any]]] | None:
    try:
        script: Any = json.loads(task)
        calls = cast("list[tuple[str, dict[str, Any]]]", script["calls"])
        return [(str(name), dict(arguments)) for name, arguments in calls]
    except (ValueError, TypeError, KeyError):
        return None


def _looked_up(conversation: Conversation) -> Reply:
    """Answer with what the memory brought, and where it is from."""
    text = conversation.results[-1].text
    try:
        found = cast("list[dict[str, str]]", json.loads(text))
        known = [f"{each['text']} ({each['source']})" for each in found]
    except (ValueError, TypeError, KeyError):
        return _formed(conversation, f"I was told nothing about it: {text}.")
    return _formed(conversation, " ".join(known))


def _what_it_can(conversation: Conversation) -> str:
    offered = ", ".join(conversation.tools) or "none"
    return (
        "I am the offline stand-in and choose no tools; name the calls in the task, as in "
        f'{{"calls": [["tool", {{}}]]}}. I am offered: {offered}'
    )


def _about(preference: str) -> str:
    """Return what a preference is about, so that the next one about it replaces it."""
    return next((topic for word, topic in _ABOUT if word in preference.lower()), "answers")


def _formed(conversation: Conversation, said: str) -> Reply:
    """Answer in the form that the requester prefers."""
    preferences = _preferences(conversation)
    for each in preferences:
        if "capital" in each:
            said = said.upper()
        elif "greet" in each:
            said = f"Good day! {said}"
        else:
            said = f"{said} (I am told that the requester {each}.)"
    return answer(said)


def _preferences(conversation: Conversation) -> list[str]:
    """Return what the memory says that the requester prefers."""
    told = [said.text for said in conversation.messages if said.role == "user"]
    lines = "\n".join(text for text in told if text.startswith(_MEMORY)).splitlines()
    found: list[str] = []
    for line in lines:
        try:
            item: Any = json.loads(line.removeprefix("- "))
            found.append(str(item["preference"]))
        except (ValueError, TypeError, KeyError):
            continue
    return found
