"""The stand-in's rules for restating: quotation by quotation, in their order."""

from agents.offline import Conversation, Reply, answer
from agents.reading.standin import as_claims, gaps, quoted, told


def reply(conversation: Conversation) -> Reply:
    """State each quotation."""
    task = told(conversation.task)
    return answer({"claims": as_claims(quoted(task)), "gaps": gaps(task)})
