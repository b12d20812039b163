"""The rule over a plan: it can be followed, or it goes back with every reason why not."""

from collections.abc import Sequence

from pydantic import ValidationError

from agents.toolkit import AnswerToCheck
from domain.goals import Planned, PlanningTask
from domain.taskgraph import plan_problems
from domain.workers import WorkerCard


def plan_can_be_followed(checked: AnswerToCheck) -> Sequence[str]:
    """No cycle, no unknown worker, no need that nothing gives, no output written twice."""
    try:
        asked = PlanningTask.model_validate_json(checked.task)
        cards = [WorkerCard.model_validate(each) for each in asked.workers]
    except ValidationError:
        return ["the task is no goal with workers; `python starter.py orchestrate` gives one"]
    planned = Planned.model_validate(checked.answer)
    return plan_problems(asked.goal, planned, {card.name: card for card in cards})
