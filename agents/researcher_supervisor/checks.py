"""Rules over the supervisor's answer: a plan that can be followed, a decision that can be taken."""

import json
from collections.abc import Sequence
from typing import Any, cast

from agents.toolkit import AnswerToCheck
from domain.research import SupervisorAnswer, plan_problems


def answers_what_is_wanted(checked: AnswerToCheck) -> Sequence[str]:
    """A plan is given where a plan is wanted, and a decision where one is wanted."""
    answer = SupervisorAnswer.model_validate(checked.answer)
    if _told(checked).get("want") == "decision":
        return [] if answer.decision is not None else ["a decision is wanted: give `decision`"]
    if not answer.tasks:
        return ["a plan is wanted: give `tasks`"]
    return plan_problems(answer.tasks)


def reassigns_to_another(checked: AnswerToCheck) -> Sequence[str]:
    """A task is given to a specialist that does this kind and has not tried."""
    decision = SupervisorAnswer.model_validate(checked.answer).decision
    if decision is None or decision.action != "reassign":
        return []
    others = cast("list[str]", _told(checked).get("others") or [])
    if decision.specialist in others:
        return []
    return [f"{decision.specialist!r} cannot take it; there are {others}, or `ask`"]


CHECKS = (answers_what_is_wanted, reassigns_to_another)


def _told(checked: AnswerToCheck) -> dict[str, Any]:
    return json.loads(checked.task)
