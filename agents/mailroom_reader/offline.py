"""The reader's offline rules: read, and repeat."""

import json

from agents.offline import Conversation, Reply, answer, call


def reply(conversation: Conversation) -> Reply:
    """Read the letter, then say what it says."""
    read = conversation.results_of("read_letter")
    if not read:
        return call("read_letter", name=str(json.loads(conversation.task)["name"]))
    return answer(read[-1].text)
