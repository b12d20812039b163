"""At 80 % of a budget: somebody is told, once, and what the spec declares follows.

It is looked for before each model call, so that a tool or a run below that has used most of the
time or the money is noticed too. What follows takes place within the limits: they hold.
"""

from typing import Any

from pydantic import ValidationError
from temporalio import workflow

from workflows.ends import LimitReachedError
from workflows.lending import Borrower
from workflows.reserving import Reserve
from workflows.watching import Objection, Watch
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.approval import Form
    from domain.budget import Limits
    from domain.messages import Message
    from domain.near import ALERT_AT, Course, Given, Near, nearest
    from domain.runs import RunState
    from domain.tools import ToolSpec

_FOLLOWS = {
    "none": "",
    "person": "; a person is asked for more",
    "simplify": "; it was told to answer with what it has",
    "decline": "; it is declared to end there",
}
_ANSWER_NOW = (
    "Most of this run's budget is used ({}). No more tools can be called. Answer now with what you "
    "have, and say what is missing or was not done."
)


class Nearing:
    """Looks at what a run has left of its budgets."""

    def __init__(self, work: Work, borrower: Borrower) -> None:
        self._work, self._state, self._desk = work, work.state, work.desk
        self._borrower = borrower

    async def look(self) -> None:
        """Raise the alert where it is due, and do what is declared.

        Raises:
            LimitReachedError: The run is declared to end.
            AbortedError: A person ends it.
        """
        alert(self._work)
        near = self._state.course.near
        if near is None or near.done:
            return
        self._set(near=near.model_copy(update={"done": True}))
        if near.then == "decline":
            self._state.leave(f"an answer: {near.said} is used, and the run is declared to end")
            raise LimitReachedError(f"{near.said} is used, where it is declared to end")
        if near.then == "simplify":
            self._set(simplified=True)
            self._state.add(Message(role="user", text=_ANSWER_NOW.format(near.said)), made=False)
        if near.then == "person":
            await self._ask(near)

    def _set(self, **changed: Any) -> None:
        self._state.course = self._state.course.model_copy(update=changed)

    async def _ask(self, near: Near) -> None:
        """Have a person grant more, or let the run go on with what is left."""
        below = workflow.info().parent is not None
        offer = Given.half(self._state.limits)
        form = self._form(near, offer, below=below)
        decision = await self._desk.ask(form, _wrong)
        if not decision.granted:
            return
        if below:
            await self._ask_above(near, offer)
            return
        given = Given.model_validate(decision.arguments or {})
        self._grant(given)
        self._state.alerted = False  # of what it has now, most may be used once more

    async def _ask_above(self, near: Near, offer: Given) -> None:
        """Ask for half a share more of a budget that is the run's above; calls are its own."""
        self._grant(Given(steps=offer.steps))
        self._state.alerted = near.budget != "steps"
        if near.budget in ("tokens", "cost_usd"):
            granted = await self._borrower.more(near.budget, Reserve(self._work).left())
            self._state.alerted = not granted

    def _grant(self, given: Given) -> None:
        self._set(given=self._state.course.given.plus(given))

    def _form(self, near: Near, offer: Given, *, below: bool) -> Form:
        approve = (
            "the run above is asked for half a share more, and it may make half as many calls more"
            if below
            else "it may use so much more, as is shown"
        )
        modify = ("modify", 'it may use what you say: {"arguments": {"tokens": 20000}}')
        return Form(
            kind="budget",
            title="grant more budget",
            why=f"the run has used {near.said}, and ends when all of it is used",
            request=self._work.request.task,
            done=self._state.done(),
            options=(
                ("approve", approve),
                ("reject", "it goes on with what is left"),
                *(() if below else (modify,)),
                ("abort", "the run ends here"),
            ),
            arguments=None if below else offer.model_dump(mode="json"),
        )


async def _wrong(changed: dict[str, Any]) -> str:
    """Return what is wrong with a grant that a person wrote."""
    try:
        Given.model_validate(changed)
    except ValidationError as error:
        return "; ".join(
            f"{'/'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
        )
    return ""


def alert(work: Work) -> None:
    """Say once, of each grant, that most of a budget is used: log, count and keep it."""
    state, spec = work.state, work.spec
    budget, share = nearest(state.spend, state.limits, work.desk.clock.worked().total_seconds())
    if share < ALERT_AT or state.alerted:
        return
    state.alerted = True
    near = Near(budget=budget, share=share, then=spec.near_limit, turn=len(state.turns))
    state.course = state.course.model_copy(update={"near": near})
    _tell(near)


def alert_of_several(state: RunState, budget: Limits) -> None:
    """Say once that a run of several has used most of what all of them together may."""
    name, share = nearest(state.spend, budget, 0)
    if share >= ALERT_AT and not state.alerted:
        state.alerted = True
        _tell(Near(budget=name, share=share, then="none", turn=0))


def _tell(near: Near) -> None:
    """Log and count an alert; a replay does neither."""
    workflow.logger.warning(
        "%.0f %% of the budget is used: %s: %s", near.share * 100, near.budget, near.then
    )
    alerts = workflow.metric_meter().create_counter(
        "holdfast_budget_alerts", "runs that have used most of a budget"
    )
    alerts.add(1, {"budget": near.budget, "then": near.then})


def with_alert(about: str, course: Course) -> str:
    """Return a run's page with the alert under it, in words of ours alone."""
    if course.near is None:
        return about
    return (
        f"{about}\n\n**Most of its budget is used:** {course.near.said}{_FOLLOWS[course.near.then]}"
    )


class NoMoreTools(Watch):
    """Refuses every call once the model was told to answer with what it has."""

    def __init__(self, work: Work) -> None:
        self._state = work.state

    async def before(self, tool: ToolSpec, arguments: dict[str, Any]) -> Objection | None:
        """Refuse it."""
        if not self._state.course.simplified:
            return None
        why = "most of the run's budget is used, so no more tools are called"
        return Objection(by="budget", refuse=why, hint="answer now with what you have")
