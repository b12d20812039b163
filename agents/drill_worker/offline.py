"""The drill worker's offline rules: the task is the script."""

from typing import Any

from agents.offline import Conversation, Reply, call
from agents.worker_standin import failure, needs_human, success, task_of


def reply(conversation: Conversation) -> Reply:
    """Do as the task says."""
    task = task_of(conversation)
    script: dict[str, Any] = task.get("input", {})
    if not script.get("name"):
        return failure("the task has no name to act out")
    if script.get("asks") and not task.get("told"):
        return needs_human(f"what is the word for {script['name']}?")
    if task["attempt"] <= script.get("fails", 0):
        return failure(f"attempt {task['attempt']} of {script['name']} failed")
    if script.get("pays") and not conversation.results_of("drill_pay"):
        return call("drill_pay", item=script["pays"])
    told = task.get("told") or [{"answer": ""}]
    return success(
        {
            "name": script["name"],
            "account": script.get("account", ""),
            "attempt": task["attempt"],
            "told": told[-1]["answer"],
            "paid": "paid" if script.get("pays") else "",
        }
    )


def latency_ms(conversation: Conversation) -> float:
    """Think as long as the task says."""
    return float(task_of(conversation).get("input", {}).get("seconds", 0)) * 1000
