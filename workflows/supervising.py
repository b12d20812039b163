"""A research's supervisor: an agent that plans, and decides where a specialist has failed.

What it decides is followed within rules: so many tries, only specialists of the kind. Where it is
of no use, or out of tries, a person is asked. Every decision is kept, and the result lists it.
"""

from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from temporalio import workflow

from workflows.children import Child, Children
from workflows.conducted import Conducted
from workflows.desk import AbortedError, because
from workflows.ends import LimitReachedError

with workflow.unsafe.imports_passed_through():
    from domain.approval import Decision, Form
    from domain.budget import Spend
    from domain.research import (
        SPECIALISTS,
        SUPERVISOR,
        PlanTask,
        RecoverTask,
        Recovery,
        SubTask,
        SupervisorAnswer,
        plan_problems,
    )
    from domain.researching import (
        Attempt,
        Recovered,
        ResearchRequest,
        ResearchResult,
        ResearchState,
    )
    from domain.run import Came
    from domain.runs import Outcome

_MOST_NAMES = 100
_MOST_TEXT = 600
_OTHER = '{"arguments": {"specialist": "…"}}'
Left = Literal["leave"]


class Supervisor:
    """Asks the supervisor, follows it as far as the rules go, and keeps what was decided."""

    def __init__(
        self,
        run: Conducted[ResearchResult],
        request: ResearchRequest,
        state: ResearchState,
        children: Children,
    ) -> None:
        self._run = run
        self._request = request
        self._state = state
        self._children = children
        self._asked = 0

    # --- the plan

    async def plan(self) -> None:
        """Have the question broken into sub-tasks, unless that was done before."""
        while not self._state.plan:
            self._asked += 1
            came = await self._ask(f"plan-{self._asked}", self._plan_task())
            answer = _parsed(came)
            problems = plan_problems(answer.tasks) if answer and answer.tasks else ()
            if answer is not None and answer.tasks and not problems:
                self._state.plan = list(answer.tasks)
                return
            why = "; ".join(problems) or came.reason or "the supervisor gave no plan"
            self._state.plan = await self._persons_plan(why)

    def _plan_task(self) -> PlanTask:
        collected = self._state.collected
        names = [document.name[:200] for document in collected.documents] if collected else []
        return PlanTask(
            question=self._request.question,
            documents=tuple(names[:_MOST_NAMES]),
            more_documents=max(0, len(names) - _MOST_NAMES),
            specialists=SPECIALISTS,
        )

    async def _persons_plan(self, why: str) -> list[SubTask]:
        """Return a person's plan; nothing has the supervisor asked again."""

        async def check(arguments: dict[str, Any]) -> str:
            return "; ".join(_plan_problems(arguments))

        form = Form(
            kind="plan",
            title="go on without a plan of the supervisor",
            why=why[:_MOST_TEXT],
            request=self._request.question,
            options=(
                ("approve", "the supervisor is asked again"),
                ("reject", "the research ends here"),
                ("modify", 'yours is followed: {"arguments": {"tasks": [{"id": …}]}}'),
            ),
            arguments={"tasks": []},
        )
        decision = await self._run.desk.ask(form, check)
        if not decision.granted:
            raise AbortedError(because("there is no plan", decision))
        if decision.verdict != "modify":
            return []
        return list(SupervisorAnswer.model_validate(decision.arguments or {}).tasks)

    # --- failures

    async def decide(self, task: SubTask, tried: list[Attempt]) -> SubTask | Left:
        """Return the sub-task as it is to be tried next, or that it is left.

        Raises:
            AbortedError: A person ends the research.
            LimitReachedError: The budget has no room to ask the supervisor.
        """
        decision = await self._recovery(task, tried)
        if decision.action == "ask":
            return await self._ask_person(task, tried, decision.reason)
        changed: dict[str, str] = {}
        if decision.action == "reassign":
            changed["specialist"] = decision.specialist
        if decision.instruction:
            changed["instruction"] = decision.instruction
        return task.model_copy(update=changed)

    async def _recovery(self, task: SubTask, tried: list[Attempt]) -> Recovery:
        """Return the supervisor's decision, or the rules' where it has none that can be taken."""
        if len(tried) >= self._request.attempts:
            times = "once" if len(tried) == 1 else f"{len(tried)} times"
            reason = f"it was tried {times}, as often as this research allows"
            return self._keep(task, tried, Recovery(action="ask", reason=reason), "rule")
        others = untried(task, tried)
        asked = RecoverTask(
            question=self._request.question,
            task=task,
            failure=tried[-1].failure[:_MOST_TEXT],
            attempts=tuple(line(attempt) for attempt in tried),
            others=others,
        )
        answer = _parsed(await self._ask(f"decide-{task.id}-{len(tried)}", asked))
        decision = answer.decision if answer else None
        if decision is None or (
            decision.action == "reassign" and decision.specialist not in others
        ):
            reason = "the supervisor gave no decision that can be followed"
            return self._keep(task, tried, Recovery(action="ask", reason=reason), "rule")
        return self._keep(task, tried, decision, "supervisor")

    def _keep(
        self,
        task: SubTask,
        tried: list[Attempt],
        decision: Recovery,
        by: Literal["supervisor", "rule"],
    ) -> Recovery:
        self._state.recoveries.append(
            Recovered(
                task=task.id,
                specialist=task.specialist,
                failure=tried[-1].failure[:_MOST_TEXT],
                by=by,
                action=decision.action,
                to=decision.specialist if decision.action == "reassign" else "",
                reason=decision.reason,
            )
        )
        return decision

    async def _ask_person(self, task: SubTask, tried: list[Attempt], why: str) -> SubTask | Left:
        kind = SPECIALISTS[task.specialist]
        able = [name for name, does in SPECIALISTS.items() if does == kind]

        async def check(arguments: dict[str, Any]) -> str:
            return _wrong(arguments, able)

        form = Form(
            kind="specialist",
            title=f"go on with the sub-task {task.id!r}",
            why=f"{task.specialist} failed: {tried[-1].failure[:_MOST_TEXT]} ({why})",
            request=self._request.question,
            done=tuple(line(attempt) for attempt in tried),
            options=(
                ("approve", f"{task.specialist} tries again"),
                ("reject", "the research goes on without this part"),
                ("modify", f"another takes it, one of {', '.join(able)}: {_OTHER}"),
                ("abort", "the research ends here"),
            ),
            tool=task.specialist,
            arguments={"specialist": task.specialist, "instruction": task.instruction},
        )
        decision = await self._run.desk.ask(form, check)
        following = _following(task, decision)
        self._keep_persons(task, tried, decision, following)
        return following

    def _keep_persons(
        self, task: SubTask, tried: list[Attempt], decision: Decision, following: SubTask | Left
    ) -> None:
        left = following == "leave"
        other = "" if left or following.specialist == task.specialist else following.specialist
        if left:
            self._state.not_done.append(
                f"{task.id} ({task.instruction[:200]}): {because('it was left', decision)}"
            )
        self._state.recoveries.append(
            Recovered(
                task=task.id,
                specialist=task.specialist,
                failure=tried[-1].failure[:_MOST_TEXT],
                by="person",
                action="leave" if left else "reassign" if other else "retry",
                to=other,
                reason=decision.reason,
            )
        )

    async def _ask(self, name: str, task: BaseModel) -> Came:
        child = Child(
            id=name,
            agent=SUPERVISOR,
            task=task.model_dump(mode="json"),
            summary=f"supervisor: {name}",
        )
        came = await self._children.run(child)
        if unaffordable(came):
            raise LimitReachedError("the research's budget")
        return came


def untried(task: SubTask, tried: list[Attempt]) -> tuple[str, ...]:
    """Return the specialists that do this kind of task and have not tried it."""
    kind, done = SPECIALISTS[task.specialist], {attempt.specialist for attempt in tried}
    return tuple(name for name, does in SPECIALISTS.items() if does == kind and name not in done)


def line(attempt: Attempt) -> str:
    """Return an attempt in one line."""
    return f"{attempt.specialist}: {attempt.failure[:_MOST_TEXT] or 'it gave a result'}"


def unaffordable(came: Came) -> bool:
    """Whether a run was not started, for want of budget."""
    return came.outcome is Outcome.LIMIT and came.spend == Spend()


def _parsed(came: Came) -> SupervisorAnswer | None:
    if not came.ok:
        return None
    try:
        return SupervisorAnswer.model_validate(came.answer)
    except ValidationError:
        return None


def _following(task: SubTask, decision: Decision) -> SubTask | Left:
    if not decision.granted:
        return "leave"
    given = decision.arguments or {}
    names = ("specialist", "instruction")
    return task.model_copy(update={name: given[name] for name in names if name in given})


def _plan_problems(arguments: dict[str, Any]) -> tuple[str, ...]:
    try:
        answer = SupervisorAnswer.model_validate(arguments)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return (f"{'.'.join(map(str, first['loc']))}: {first['msg']}",)
    return plan_problems(answer.tasks) if answer.tasks else ("a plan has sub-tasks",)


def _wrong(arguments: dict[str, Any], able: list[str]) -> str:
    unknown = sorted(arguments.keys() - {"specialist", "instruction"})
    if unknown:
        return f"{unknown} is not known; there are specialist and instruction"
    if "specialist" in arguments and arguments["specialist"] not in able:
        return f"the specialist {arguments['specialist']!r} cannot do this; there are {able}"
    instruction = arguments.get("instruction", "…")
    return "" if isinstance(instruction, str) and instruction.strip() else "instruction is no text"
