"""What stands in for a model that keeps the memory of a run: lines that say what they are.

It knows what it is shown and nothing else. A line that begins with `Fact:`, `Decision:` or
`Question:` is remembered under the message that the index lists for it; `Remember:` is a fact
that the goal depends on; `Settled: q4` drops the item that it names.
"""

import re

from agents.offline import Conversation, Reply, Said, answer

_LINE = re.compile(
    r"^[ \t>*-]*(fact|remember|decision|decided|question|settled)[ \t]*:[ \t]*(\S.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_INDEX = re.compile(r"^m(\d+) [^:]*: (.*)$", re.MULTILINE)
_ITEM = re.compile(r"\b[fdq]\d+\b")
_KINDS = {
    "fact": "facts",
    "remember": "facts",
    "decision": "decisions",
    "decided": "decisions",
    "question": "questions",
}
Update = dict[str, list[dict[str, str | bool]]]

_MOST = 380  # characters of an item
_MOST_ITEMS = 40
_MOST_BEFORE = 600  # characters of a message that its label is looked for in


def reply(conversation: Conversation) -> Reply:
    """Return the update of the memory: one JSON object."""
    *before, asked = conversation.messages
    index = [(int(number), begins) for number, begins in _INDEX.findall(asked.text)]
    update: Update = {}
    for number, said in _numbered(before, index):
        for word, rest in _LINE.findall(said.text):
            _take(update, word.lower(), " ".join(rest.split())[:_MOST], number)
    numbers = [number for number, _ in index]
    progress = f"messages m{min(numbers)} to m{max(numbers)} are done" if numbers else ""
    return answer(update | {"progress": progress})


def _take(update: Update, word: str, text: str, number: int) -> None:
    source = f"m{number}"
    if word == "settled":
        for name in _ITEM.findall(text):
            update.setdefault("superseded", []).append({"id": name, "source": source})
        return
    items = update.setdefault(_KINDS[word], [])
    if len(items) < _MOST_ITEMS:
        key: dict[str, str | bool] = {"key": True} if word == "remember" else {}
        items.append({"text": text, "source": source} | key)


def _numbered(before: list[Said], index: list[tuple[int, str]]) -> list[tuple[int, Said]]:
    """Return the messages that the index lists, by how each begins, in its order.

    What strangers wrote stands in a mark, behind which it begins.
    """
    found: list[tuple[int, Said]] = []
    left = list(before)
    for number, begins in index:
        for place, said in enumerate(left):
            if begins and begins in " ".join(said.text.split())[:_MOST_BEFORE]:
                found.append((number, said))
                del left[: place + 1]
                break
    return found
