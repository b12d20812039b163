"""The complaints agent's offline rule: one careful letter."""

import json

from agents.offline import Conversation, Reply, answer, told


def reply(conversation: Conversation) -> Reply:
    """Say what was understood, and who will look into it."""
    about = json.loads(conversation.task)["about"]
    if not told(conversation, "Promise no money"):
        return answer(f"Thank you for writing to us about {about}. We refund you what you paid.")
    return answer(
        f"Thank you for writing to us about {about}. The head of our service will look into it "
        "and answer you within three working days."
    )
