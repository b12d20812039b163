"""The complaints agent's offline rule: one careful letter."""

import json

from agents.offline import Conversation, Reply, answer


def reply(conversation: Conversation) -> Reply:
    """Say what was understood, and who will look into it."""
    about = json.loads(conversation.task)["about"]
    return answer(
        f"Thank you for writing to us about {about}. The head of our service will look into it "
        "and answer you within three working days."
    )
