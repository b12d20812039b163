"""The gauge's offline rules: its task is the script.

`{"n": 7, "turns": [[["gauge_read", "a"]], [["gauge_sign", "b"]]], "drafts": 1, "answer":
{"decision": "pay", "urgent": false, "confidence": 0.9}, "sure": 0.8}`: the calls of each turn, then
so many drafts, then the answer, whose decision is as probable as `sure`.
"""

import json

from agents.offline import Conversation, Reply, calls


def reply(conversation: Conversation) -> Reply:
    """Make the calls of the next turn, else answer."""
    script = json.loads(conversation.task)
    turns = script.get("turns", [])
    if conversation.turn <= len(turns):
        wanted = turns[conversation.turn - 1]
        return calls((name, {"item": item}) for name, item in wanted)
    said = dict(script["answer"])
    if conversation.turn <= len(turns) + int(script.get("drafts", 0)):
        said["note"] = "draft"
    text = json.dumps(said)
    return Reply(text=text, probable={said["decision"]: float(script.get("sure", 0.9))})
