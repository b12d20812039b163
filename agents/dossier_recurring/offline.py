"""The offline rules of a worker of a dossier: what its tool shows is its output."""

from agents.dossier.standin import read_and_report
from agents.offline import Conversation, Reply


def reply(conversation: Conversation) -> Reply:
    """Look, then report."""
    return read_and_report(conversation, "account_series")
