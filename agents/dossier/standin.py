"""What the offline rules of a dossier's workers share: call the tool, hand on what it shows."""

import json

from agents.offline import Conversation, Reply, call
from agents.worker_standin import failure, success, task_of


def read_and_report(conversation: Conversation, tool: str) -> Reply:
    """Call the one tool that shows it all, and report what it shows."""
    account = task_of(conversation).get("input", {}).get("account", "")
    shown = conversation.results_of(tool)
    if not shown:
        return call(tool, account=account)
    try:
        return success(json.loads(shown[-1].text))
    except ValueError:
        return failure(shown[-1].text.removeprefix("error: ")[:500])
