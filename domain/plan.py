"""The plan a model gives before its first turn."""

from pydantic import Field

from domain.contract import Strict


class PlanStep(Strict):
    """One thing to do, and the tools it will take."""

    action: str = Field(min_length=1, max_length=500)
    tools: tuple[str, ...] = Field(default=(), max_length=20)


class Plan(Strict):
    """A typed list of steps."""

    steps: tuple[PlanStep, ...] = Field(min_length=1, max_length=50)


def problems(plan: Plan, tools: frozenset[str], steps_left: int) -> tuple[str, ...]:
    """Return what is wrong with `plan`, one sentence each; nothing when it can be followed.

    Args:
        plan: The plan to look at.
        tools: Names of the tools that the agent has.
        steps_left: Model calls that the budget still allows.
    """
    wrong = [
        f"step {number} names the unknown tool {name!r}; the tools are {sorted(tools)}"
        for number, step in enumerate(plan.steps, 1)
        for name in step.tools
        if name not in tools
    ]
    # A call may do several steps, never the other way round: more steps than calls cannot fit
    # once each step that uses a tool takes a call, and the answer takes one more.
    needed = sum(1 for step in plan.steps if step.tools) + 1
    if needed > steps_left:
        wrong.append(f"the plan takes at least {needed} model calls and {steps_left} are left")
    return tuple(wrong)
