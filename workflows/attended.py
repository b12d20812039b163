"""A run that a person attends: what they can say to it, and how it waits for them.

Every workflow of ours is one. It owns the state machine, the open question, the stop, and
the clock that does not run while a person is awaited. Silence has a meaning everywhere:
a question's is declared by the policy; a stop's, after seven days, is that the run fails.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ApplicationError

from workflows import policies

with workflow.unsafe.imports_passed_through():
    from domain import page
    from domain.approval import (
        Decision,
        Form,
        Question,
        UnusableAnswerError,
        Verdict,
        parse_answer,
        rule,
    )
    from domain.lifecycle import Lifecycle, State
    from domain.run import Stop
    from domain.spec import ApprovalPolicy

Way = Literal["retry", "skip", "abort"]
CheckArguments = Callable[[dict[str, Any]], Awaitable[str]]

SILENT = "ApprovalTimedOut"
NOBODY_CAME = "StoppedTooLong"
_MEANS = {
    "reject": "the answer is no",
    "escalate": "the question is asked once more, of {}; then the answer is no",
    "fail": "the run fails",
}
_STATE = SearchAttributeKey.for_keyword("AgentState")
_AGENT = SearchAttributeKey.for_keyword("AgentName")
_TENANT = SearchAttributeKey.for_keyword("Tenant")
_COST = SearchAttributeKey.for_float("CostUsd")
_AWAITING = SearchAttributeKey.for_bool("AwaitingApproval")
_MOST_IGNORED = 50


class AbortedError(Exception):
    """A person ended the run; caught by the run, which closes with that outcome."""


class Attended:
    """Base of the workflows; a subclass says who it is (`_face`) and what it shows (`_page`)."""

    def __init__(self, approvals: ApprovalPolicy | None = None) -> None:
        self._life = Lifecycle()
        self._approvals = approvals or ApprovalPolicy()
        self._question: Question | None = None
        self._decision: Decision | None = None
        self._check: CheckArguments | None = None
        self._stop: Stop | None = None
        self._ways: tuple[Way, ...] = ()
        self._way: Way | None = None
        self._by = ""
        self._decisions: list[Decision] = []
        self._ignored: list[str] = []
        self._attention = asyncio.Lock()  # a person is asked one thing at a time
        self._since = workflow.now()
        self._waited = timedelta()
        self._worked_before = timedelta()
        self._shown: dict[str, Any] = {}

    # --- what a subclass says about itself

    def _face(self) -> Mapping[str, Any]:
        """Return `agent`, `tenant` and `cost_usd` for the search attributes."""
        raise NotImplementedError

    def _page(self) -> str:
        """Return the Markdown that stands above the open question."""
        raise NotImplementedError

    # --- what a person may say

    @workflow.signal
    def approve(self, answer: Any = None) -> None:
        """Say yes to the open question. One JSON object or nothing."""
        self._hear("approve", answer)

    @workflow.signal
    def reject(self, answer: Any = None) -> None:
        """Say no to the open question. One JSON object or nothing."""
        self._hear("reject", answer)

    @workflow.signal
    def modify(self, answer: Any = None) -> None:
        """Say yes with other arguments: `{"arguments": {...}}`."""
        self._hear("modify", answer)

    @workflow.signal
    def retry(self, answer: Any = None) -> None:
        """Try the stopped step again, once its cause is mended."""
        self._hear_way("retry", answer)

    @workflow.signal
    def skip(self, answer: Any = None) -> None:
        """Go on without the stopped step; the model is told the error."""
        self._hear_way("skip", answer)

    @workflow.signal
    def abort(self, answer: Any = None) -> None:
        """End the run where it waits, undoing what can be undone."""
        self._hear_way("abort", answer)

    @workflow.update
    async def decide(self, answer: Any = None) -> Decision:
        """Answer the open question; the sender is told when the answer cannot count.

        Args:
            answer: `{"verdict": "approve" | "reject" | "modify"}` and a signal's fields.
        """
        try:
            verdict, rest = _split(answer, ("approve", "reject", "modify"))
            decision = self._ruled(verdict, rest)  # pyright: ignore[reportArgumentType]
            if wrong := await self._wrong(decision):
                raise UnusableAnswerError(wrong)
            if self._question is None or self._question.id != decision.approval_id:
                raise UnusableAnswerError("the question was answered meanwhile")
        except UnusableAnswerError as error:
            raise ApplicationError(str(error), type="UnusableAnswer") from None
        self._decision = decision
        return decision

    @workflow.update
    def unstop(self, answer: Any = None) -> str:
        """Say how a stopped run goes on; the sender is told when that is not possible.

        Args:
            answer: `{"verdict": "retry" | "skip" | "abort"}`, optionally `by` and `reason`.
        """
        try:
            verdict, rest = _split(answer, ("retry", "skip", "abort"))
            self._go(verdict, rest)  # pyright: ignore[reportArgumentType]
        except UnusableAnswerError as error:
            raise ApplicationError(str(error), type="UnusableAnswer") from None
        return verdict

    def _hear(self, verdict: Verdict, raw: Any) -> None:
        try:
            decision = self._ruled(verdict, raw)
        except UnusableAnswerError as error:
            self._ignore(f"{verdict}: {error}")
        else:
            self._decision = decision

    def _hear_way(self, way: Way, raw: Any) -> None:
        try:
            self._go(way, raw)
        except UnusableAnswerError as error:
            self._ignore(f"{way}: {error}")

    def _ruled(self, verdict: Verdict, raw: Any) -> Decision:
        if self._decision is not None:
            raise UnusableAnswerError("the question is answered already; nothing was changed")
        return rule(self._question, verdict, parse_answer(raw), workflow.now())

    def _go(self, way: Way, raw: Any) -> None:
        answer = parse_answer(raw)
        if way == "abort" and self._question is not None:
            self._by = answer.by
            self._way = way
            return
        if self._stop is None or self._way is not None:
            raise UnusableAnswerError("the run is not stopped; nothing was changed")
        if way not in self._ways:
            raise UnusableAnswerError(
                f"{self._stop.step} cannot be answered by {way}; send one of {list(self._ways)}"
            )
        self._by = answer.by
        self._way = way

    def _ignore(self, what: str) -> None:
        workflow.logger.warning("ignored: %s", what)
        if len(self._ignored) < _MOST_IGNORED:
            self._ignored.append(f"{workflow.now():%Y-%m-%d %H:%M:%S} {what}")
        self.show()

    # --- waiting for a person

    async def ask(self, form: Form, check: CheckArguments | None = None) -> Decision:
        """Put `form` before a person and return what they, or their silence, decide.

        Args:
            form: The question.
            check: Says what is wrong with modified arguments; nothing if they may run.

        Raises:
            AbortedError: They end the run instead.
            ApplicationError: Nobody answered and silence is declared to fail the run.
        """
        async with self._attention:
            decision = await self._ask_once(form, check)
            if decision.verdict == "silence" and self._approvals.silence == "escalate":
                again = f"nobody answered; this now waits for {self._approvals.escalate_to}"
                form = form.model_copy(update={"why": f"{form.why} ({again})"})
                decision = await self._ask_once(form, check, last=True)
        self._decisions.append(decision)
        if decision.verdict == "silence" and self._approvals.silence == "fail":
            raise ApplicationError(
                f"nobody answered {form.title!r} in time", type=SILENT, non_retryable=True
            )
        return decision

    async def _ask_once(
        self, form: Form, check: CheckArguments | None, *, last: bool = False
    ) -> Decision:
        now = workflow.now()
        meaning = "reject" if last else self._approvals.silence
        self._question = asked = Question(
            **form.model_dump(),
            id=str(workflow.uuid4()),
            asked_at=now,
            silent_at=now + self._approvals.timeout,
            silence=_MEANS[meaning].format(self._approvals.escalate_to),
        )
        self._decision, self._check, self._way = None, check, None
        self.move(State.PENDING_APPROVAL)
        try:
            return await self._answer(asked)
        finally:
            self._question, self._decision, self._check = None, None, None
            self._end_wait(now)

    async def _answer(self, asked: Question) -> Decision:
        """Wait until an answer counts. Modified arguments that cannot run do not."""
        while True:
            try:
                await workflow.wait_condition(
                    lambda: self._decision is not None or self._way == "abort",
                    timeout=max(asked.silent_at - workflow.now(), timedelta(seconds=1)),
                    timeout_summary="waiting for a person",
                )
            except TimeoutError:
                return _silence(asked, workflow.now())
            if self._way == "abort":
                raise AbortedError(f"ended by {self._by or 'a person'} at: {asked.title}")
            decision = self._decision
            if decision is None:
                continue
            wrong = await self._wrong(decision)
            if not wrong:
                return decision
            self._decision = None
            self._ignore(f"modify: {wrong}")

    async def _wrong(self, decision: Decision) -> str:
        if decision.verdict != "modify" or self._check is None or decision.arguments is None:
            return ""
        return await self._check(decision.arguments)

    async def halt(self, stop: Stop, ways: tuple[Way, ...]) -> Way:
        """Stand still until a person says how to go on.

        Raises:
            AbortedError: They end the run.
            ApplicationError: Nobody came for seven days.
        """
        async with self._attention:
            self._stop, self._ways, self._way = stop, ways, None
            self.move(State.STOPPED)
            try:
                await workflow.wait_condition(
                    lambda: self._way is not None,
                    timeout=policies.STOPPED_TIMEOUT,
                    timeout_summary="stopped, waiting for a person",
                )
            except TimeoutError:
                raise ApplicationError(
                    f"nobody came to {stop.step}: {stop.reason}",
                    type=NOBODY_CAME,
                    non_retryable=True,
                ) from None
            finally:
                way, self._stop, self._way = self._way, None, None
                self._end_wait(stop.at)
        if way == "abort":
            raise AbortedError(f"ended by {self._by or 'a person'} at {stop.step}: {stop.reason}")
        return way or "retry"

    # --- the state machine, the clock and the page

    def move(self, to: State) -> None:
        self._life.move(to)
        self.show()

    def _end_wait(self, since: datetime) -> None:
        self._waited += workflow.now() - since
        self._life.back()
        self.show()

    def worked(self) -> timedelta:
        """Return the time the run has worked: waiting for a person does not count."""
        return self._worked_before + (workflow.now() - self._since) - self._waited

    def show(self) -> None:
        """Write the search attributes that changed, and the run's page."""
        face = self._face()
        values = {
            _STATE: self._life.state.value,
            _AGENT: face["agent"],
            _TENANT: face["tenant"],
            _COST: float(face["cost_usd"]),
            _AWAITING: self._question is not None,
        }
        state_changed = self._shown.get(_STATE.name) != values[_STATE]
        if state_changed:  # the cost alone is not worth an event
            updates = [
                key.value_set(value)
                for key, value in values.items()
                if self._shown.get(key.name) != value
            ]
            workflow.upsert_search_attributes(updates)
            self._shown = {key.name: value for key, value in values.items()}
        workflow.set_current_details("\n\n".join(self._sections()))

    def _sections(self) -> list[str]:
        sections = [self._page()]
        if self._question is not None:
            sections.append(page.question(self._question))
        if self._stop is not None:
            until = self._stop.at + policies.STOPPED_TIMEOUT
            sections.append(page.stop(self._stop, self._ways, until))
        if self._ignored:
            last = "\n".join(f"- {page.escape(what)}" for what in self._ignored[-5:])
            sections.append(f"**Answers that did not count**\n{last}")
        return sections


def _silence(asked: Question, at: datetime) -> Decision:
    return Decision(
        approval_id=asked.id,
        kind=asked.kind,
        verdict="silence",
        title=asked.title,
        tool=asked.tool,
        reason="nobody answered in time",
        at=at,
        arguments=asked.arguments,
        arguments_hash=asked.arguments_hash,
    )


def _split(raw: Any, verdicts: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    if not isinstance(raw, dict) or raw.get("verdict") not in verdicts:
        raise UnusableAnswerError(f'an update needs {{"verdict": one of {list(verdicts)}}}')
    fields: dict[str, Any] = dict(raw)
    return fields.pop("verdict"), fields
