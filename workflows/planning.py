"""The plan before the first turn: written by the model, checked, approved where it must be."""

import json
from typing import Any

from temporalio import workflow

from workflows import policies
from workflows.desk import AbortedError, because
from workflows.steps import sure
from workflows.thinking import Thinker
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.approval import Form
    from domain.messages import Message
    from domain.plan import Plan
    from domain.verdicts import AnswerVerdict, CheckPlanRequest

_TRIES = 3


class Planner:
    """Gets a run its plan."""

    def __init__(self, work: Work, thinker: Thinker) -> None:
        self._request, self._state = work.request, work.state
        self._spec, self._desk = work.spec, work.desk
        self._thinker = thinker

    async def plan(self) -> None:
        """Have a plan written, checked and, where the policy says so, approved."""
        if self._spec.plan == "none":
            return
        wrong: tuple[str, ...] = ()
        text = ""
        for _ in range(_TRIES):
            reply = await self._thinker.think(plan=True)
            self._refuse_calls(reply.message)
            text = reply.message.text
            wrong = await self._surely_checked(text)
            if not wrong:
                break
            self._say(f"The plan was refused: {'; '.join(wrong)}. Write it again.")
        if wrong:
            await self._without_plan(wrong)
            return
        plan = Plan.model_validate_json(text)
        if self._spec.plan == "approved":
            plan = await self._approved(plan)
        self._state.plan = [step.action for step in plan.steps]
        self._begin("The plan is accepted. Begin.")

    def _refuse_calls(self, said: Message) -> None:
        """Answer calls that were made in the plan's place: vendors take none without a result."""
        for call in said.calls:
            refusal = "refused: give the plan first; no tool was run"
            self._state.add(Message(role="tool", text=refusal, call_id=call.id), made=False)

    async def _surely_checked(self, text: str) -> tuple[str, ...]:
        return await sure(self._desk, "check.plan", lambda: self._problems(text))

    async def _problems(self, text: str) -> tuple[str, ...]:
        request = CheckPlanRequest(
            text=text,
            tools=tuple(sorted(self._spec.tool_names)),
            steps_left=self._spec.limits.steps - self._state.spend.steps,
        )
        verdict = await workflow.execute_local_activity(
            "check.plan", request, result_type=AnswerVerdict, **policies.CHECK
        )
        return verdict.problems

    async def _approved(self, plan: Plan) -> Plan:
        shown = plan.model_dump(mode="json")

        async def check(changed: dict[str, Any]) -> str:
            return "; ".join(await self._problems(json.dumps(changed)))

        form = Form(
            kind="plan",
            title="begin with this plan",
            why="the agent's policy asks for the plan to be approved",
            request=self._request.task,
            options=(
                ("approve", "the run begins"),
                ("reject", "the run ends"),
                ("modify", 'it begins with yours: {"arguments": {"steps": […]}}'),
            ),
            arguments=shown,
        )
        decision = await self._desk.ask(form, check)
        if not decision.granted:
            raise AbortedError(because("the plan was not approved", decision))
        changed = decision.arguments or shown
        if changed != shown:
            self._say(f"A person changed the plan to: {json.dumps(changed)}")
        return Plan.model_validate(changed)

    async def _without_plan(self, wrong: tuple[str, ...]) -> None:
        form = Form(
            kind="no_plan",
            title="begin without a plan",
            why=f"{_TRIES} plans were refused; the last one: {'; '.join(wrong)}",
            request=self._request.task,
            options=(("approve", "the run begins without one"), ("reject", "the run ends")),
        )
        decision = await self._desk.ask(form)
        if not decision.granted:
            raise AbortedError(because("no plan that can be followed", decision))
        self._begin(f"Begin without a plan. {decision.reason}".strip())

    def _begin(self, text: str) -> None:
        """Go from planning to working, where other schemas are sent: the count starts anew."""
        self._say(text)
        self._state.counted_tokens = self._state.counted_messages = 0

    def _say(self, text: str) -> None:
        """Put a message of the run's own behind the transcript."""
        self._state.add(Message(role="user", text=text), made=False)
