"""The ladder of a refused answer: again with the reasons, then a larger model, then a person.

The larger model is handed the conversation as it stands, so no turn is bought twice.
"""

from temporalio import workflow

from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.spec import AgentSpec
    from domain.state import AgentState


def may_try_again(work: Work) -> bool:
    """Whether a refused answer goes back to a model, and not yet to a person."""
    policy = work.spec.escalation
    return work.state.revisions < work.spec.revisions + (policy.tries if policy else 0)


def refused_once_more(work: Work) -> None:
    """Note that an answer goes back; the larger model is asked once the usual tries are over."""
    work.state.revisions += 1
    if work.state.revisions > work.spec.revisions:
        work.state.checks.escalated += 1
        workflow.logger.warning("asking a larger model: %s", larger(work.state, work.spec)[0])


def larger(state: AgentState, spec: AgentSpec) -> tuple[str, ...]:
    """Return the models of the last tries; nothing before those.

    The agent's own come behind them: where no larger one answers, the run goes on as it was.
    """
    policy = spec.escalation
    if policy is None or state.revisions <= spec.revisions:
        return ()
    return (*policy.route, *(model for model in spec.route if model not in policy.route))
