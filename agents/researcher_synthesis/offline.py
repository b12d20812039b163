"""The stand-in's rules for putting together: each quotation is a claim, in plain words."""

from agents.offline import Conversation, Reply, answer
from agents.reading.standin import as_claims, gaps, quoted, told

_MOST = 10


def reply(conversation: Conversation) -> Reply:
    """State what the quotations say, those first that share most with the question."""
    task = told(conversation.task)
    question = f"{task.get('instruction', '')} {task.get('question', '')}"
    return answer({"claims": as_claims(quoted(task), question)[:_MOST], "gaps": gaps(task)})
