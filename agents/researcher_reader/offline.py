"""The stand-in's rules for reading: a few documents whose names fit, from their beginning."""

from typing import Any

from agents.offline import Conversation, Reply, answer, call, calls
from agents.reading.standin import best_sentences, json_in, shown, told
from agents.reading.words import key_words

_READ = 6


def reply(conversation: Conversation) -> Reply:
    """List, read, quote."""
    task = told(conversation.task)
    wanted = str(task.get("instruction") or task.get("question") or "")
    listed = conversation.results_of("list_documents")
    if not listed:
        return call("list_documents")
    if not conversation.results_of("read_passages"):
        names = _names(json_in(listed[-1].text))
        likely = sorted(names, key=lambda name: -len(key_words(wanted) & key_words(name)))
        if likely:
            return calls([("read_passages", {"document": name}) for name in likely[:_READ]])
    found = best_sentences(shown(conversation), wanted)
    gaps = [] if found else [f"nothing that was read says anything on: {wanted.strip()}"[:300]]
    return answer({"found": found, "gaps": gaps})


def _names(listed: dict[str, Any]) -> list[str]:
    lines = [str(line) for line in listed.get("documents", [])]
    return [line.rpartition(" (")[0] for line in lines]
