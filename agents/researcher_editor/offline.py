"""The stand-in's rules for arranging claims."""

from agents.offline import Conversation, Reply, answer
from agents.reading.standin import draft, told


def reply(conversation: Conversation) -> Reply:
    """Set the claims under headings."""
    return answer(draft(told(conversation.task)))
