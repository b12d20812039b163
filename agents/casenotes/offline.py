"""The case note reader's offline rules: words for urgency, and the note's first sentence."""

import re

from agents.offline import Conversation, Reply, answer, told

_NOW = re.compile(r"chest pain|unconscious|bleeding|cannot breathe", re.IGNORECASE)
_SOON = re.compile(r"fever|worse|swollen|infection", re.IGNORECASE)
_NAME = re.compile(r"\b(?:Mr|Mrs|Ms|Dr)\.? [A-Z]\w+")


def reply(conversation: Conversation) -> Reply:
    """Answer from the note's words."""
    note = conversation.task
    if told(conversation, "without the patient's name"):
        note = _NAME.sub("the patient", note)
    about = re.split(r"(?<=[.!?])\s", note.strip())[0][:300]
    urgency = "now" if _NOW.search(note) else "soon" if _SOON.search(note) else "routine"
    return answer({"about": about, "urgency": urgency})
