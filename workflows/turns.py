"""Calls of one tenant must not wait behind another's thousand: on shared queues they take turns.

A queue is shared where it is not the run's own: a model route's, or a rate-limited tool's. The
server gives its tenants turns by their weights, if it is told to (docs/fairness.md).
"""

from temporalio import workflow
from temporalio.common import Priority

from workflows.policies import Policy
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.fairness import USUAL, fairness_key


def in_turn(work: Work, policy: Policy) -> Policy:
    """Return `policy` for a task that takes its tenant's turn, where its queue is shared."""
    turns = work.spec.turns
    if turns is None or "task_queue" not in policy:
        return policy
    policy["priority"] = Priority(
        priority_key=None if turns.priority == USUAL else turns.priority,
        fairness_key=fairness_key(work.request.tenant),
        fairness_weight=None if turns.weight == 1 else turns.weight,
    )
    return policy
