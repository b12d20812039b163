"""The desk a run keeps for the person who attends it: one question or one stop at a time.

Silence has a meaning everywhere: a question's is declared by the policy; a stop's, after seven
days, is that the run fails. While a person is awaited the run's clock stands still.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Literal

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

from workflows import policies, summaries
from workflows.clock import Clock
from workflows.held import Held
from workflows.home import Home

with workflow.unsafe.imports_passed_through():
    from domain.approval import (
        Decision,
        Form,
        Question,
        UnusableAnswerError,
        Verdict,
        need_second_person,
        parse_answer,
        rule,
        silent,
        unasked,
    )
    from domain.lifecycle import Lifecycle, State
    from domain.people import People
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
_MOST_IGNORED, _MOST_TEXT = 50, 400  # things that were ignored, characters kept of each


class AbortedError(Exception):
    """A person ended the run; caught by the run, which closes with that outcome."""


class Desk:
    """The open question, the stop, what was decided, and the state machine around them.

    Attributes:
        asks_nobody: A dry run: every question is answered by silence, at once.
        clock: It stands still while a person is awaited.
        held: What is known of halts that hold the run up.
        people: What was wanted of people so far.
        requester: Who asked for the run.
        attention: Taken by the one question or stop that is open.
        way: How a run goes on that stands still, once a person has said so.
    """

    def __init__(self, approvals: ApprovalPolicy, show: Callable[[], None]) -> None:
        self.approvals = approvals
        self.life = Lifecycle()
        self.clock = Clock()
        self.question: Question | None = None
        self.stop: Stop | None = None
        self.ways: tuple[Way, ...] = ()
        self.decisions: list[Decision] = []
        self.ignored: list[str] = []
        self.asks_nobody = False
        self.requester = ""
        self.held = Held()
        self.people = People()
        self._show = show
        self._home = Home()
        self._decision: Decision | None = None
        self._check: CheckArguments | None = None
        self.way: Way | None = None
        self._by = ""
        self.attention = asyncio.Lock()

    # --- what a person says

    def hear(self, verdict: Verdict, raw: Any) -> None:
        """Take an answer to the open question; one that cannot count is noted and shown."""
        try:
            self._decision = self._ruled(verdict, raw)
        except UnusableAnswerError as error:
            self.ignore(f"{verdict}: {error}")

    async def decide(self, verdict: Verdict, raw: Any) -> Decision:
        """Take an answer to the open question.

        Raises:
            UnusableAnswerError: It cannot count, for instance for its arguments.
        """
        decision = self._ruled(verdict, raw)
        if wrong := await self._wrong(decision):
            raise UnusableAnswerError(wrong)
        self._ruled(verdict, raw)  # another answer may have come while the arguments were checked
        self._decision = decision
        return decision

    def go(self, way: Way, raw: Any) -> None:
        """Take how a stopped run goes on; `abort` also ends one that waits for an answer.

        Raises:
            UnusableAnswerError: The run does not wait for that.
        """
        answer = parse_answer(raw)
        if self.way is not None:
            raise UnusableAnswerError("it was answered already; nothing was changed")
        if answer.approval_id and answer.approval_id != (self.question and self.question.id):
            raise UnusableAnswerError(
                f"{answer.approval_id!r} is not the open question; nothing was changed"
            )
        if self.stop is None and not (way == "abort" and self.question is not None):
            raise UnusableAnswerError("the run is not stopped; nothing was changed")
        if self.stop is not None and way not in self.ways:
            raise UnusableAnswerError(
                f"{self.stop.step} cannot be answered by {way}; send one of {list(self.ways)}"
            )
        self._by = answer.by
        self.way = way

    def _ruled(self, verdict: Verdict, raw: Any) -> Decision:
        if self._decision is not None:
            raise UnusableAnswerError("the question is answered already; nothing was changed")
        answer = parse_answer(raw)
        if self.approvals.four_eyes:
            need_second_person(answer, self.requester)
        return rule(self.question, verdict, answer, workflow.now())

    def ignore(self, what: str) -> None:
        """Note something that was said and changed nothing."""
        workflow.logger.warning("ignored: %s", what)
        if len(self.ignored) < _MOST_IGNORED:
            self.ignored.append(f"{workflow.now():%Y-%m-%d %H:%M:%S} {what[:_MOST_TEXT]}")
        self._show()

    # --- waiting for it

    async def ask(self, form: Form, check: CheckArguments | None = None) -> Decision:
        """Put `form` before a person and return what they, or their silence, decide.

        Args:
            form: The question.
            check: Says what is wrong with modified arguments; nothing if they may run.

        Raises:
            AbortedError: They end the run instead.
            ApplicationError: Nobody answered and silence is declared to fail the run.
        """
        if self.asks_nobody:
            return unasked(form, workflow.now())
        async with self.attention:
            decision = await self._ask_once(form, check, self.approvals.silence)
            if decision.verdict == "silence" and self.approvals.silence == "escalate":
                self.people = self.people.asking_again()
                again = f"nobody answered; this now waits for {self.approvals.escalate_to}"
                form = form.model_copy(update={"why": f"{form.why} ({again})"})
                decision = await self._ask_once(form, check, "reject")
        self.decisions.append(decision)
        answers = workflow.metric_meter().create_counter("holdfast_approvals", "answers")
        answers.add(1, {"kind": decision.kind, "verdict": decision.verdict})
        if decision.verdict == "silence" and self.approvals.silence == "fail":
            raise ApplicationError(
                f"nobody answered {form.title!r} in time", type=SILENT, non_retryable=True
            )
        return decision

    async def _ask_once(self, form: Form, check: CheckArguments | None, silence: str) -> Decision:
        now = workflow.now()
        asked = self.question = Question(
            **form.model_dump(),
            id=str(workflow.uuid4()),
            asked_at=now,
            silent_at=now + self.approvals.timeout,
            silence=_MEANS[silence].format(self.approvals.escalate_to),
        )
        self._decision, self._check, self.way = None, check, None
        self.people = self.people.asking(form.kind)
        self.move(State.PENDING_APPROVAL)
        try:
            return await self._answer(asked)
        finally:
            self.question, self._decision, self._check = None, None, None
            self._end_wait(now)

    async def _answer(self, asked: Question) -> Decision:
        """Wait until an answer counts. Modified arguments that cannot run do not."""
        while True:
            try:
                await workflow.wait_condition(
                    lambda: self._decision is not None or self.way == "abort",
                    timeout=max(asked.silent_at - workflow.now(), timedelta(seconds=1)),
                    timeout_summary=summaries.asked(asked.title),
                )
            except TimeoutError:
                return silent(asked, workflow.now())
            if self.way == "abort":
                raise AbortedError(f"ended by {self._by or 'a person'} at: {asked.title}")
            decision = self._decision
            if decision is None:
                continue
            wrong = await self._wrong(decision)
            if not wrong:
                return decision
            self._decision = None
            self.ignore(f"modify: {wrong}")

    async def _wrong(self, decision: Decision) -> str:
        if decision.verdict != "modify" or self._check is None or decision.arguments is None:
            return ""
        try:
            return await self._check(decision.arguments)
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            return f"it could not be checked: {error.cause or error}"

    async def halt(self, stop: Stop, ways: tuple[Way, ...]) -> Way:
        """Stand still until a person says how to go on.

        Raises:
            AbortedError: They end the run.
            ApplicationError: Nobody came for seven days.
        """
        return await self.stand(stop, ways, lambda: self._sent(stop))

    async def stand(
        self, stop: Stop, ways: tuple[Way, ...], wait: Callable[[], Awaitable[Way]]
    ) -> Way:
        """Stand still, and show why, for as long as `wait` takes.

        Raises:
            AbortedError: A person ends the run.
        """
        async with self.attention:
            self.stop, self.ways, self.way = stop, ways, None
            self.people = self.people if stop.halted else self.people.stopping()
            since = workflow.now()
            self.move(State.STOPPED)
            try:
                way = await wait()
            finally:
                self.stop, self.way = None, None
                self._end_wait(since)
        if way == "abort":
            raise AbortedError(f"ended by {self._by or 'a person'} at {stop.step}: {stop.reason}")
        return way

    def explain(self, stop: Stop) -> None:
        """Show another reason for standing still."""
        self.stop = stop
        self._show()

    async def _sent(self, stop: Stop) -> Way:
        try:
            await workflow.wait_condition(
                lambda: self.way is not None,
                timeout=policies.STOPPED_TIMEOUT,
                timeout_summary=summaries.stopped(stop.step),
            )
        except TimeoutError:
            raise ApplicationError(
                f"nobody came to {stop.step}: {stop.reason}", type=NOBODY_CAME, non_retryable=True
            ) from None
        return self.way or "abort"

    # --- the state machine

    def move(self, to: State) -> None:
        """Go to `to`, and show it."""
        self.life.move(to)
        self._show()

    def _end_wait(self, since: datetime) -> None:
        if not self._home.is_here():
            return  # a worker lets go of the run, which goes on waiting elsewhere
        self.clock.excuse_since(since)
        self.life.back()
        self._show()


def because(what: str, decision: Decision) -> str:
    """Return why a run ends after a person's, or nobody's, no."""
    if decision.verdict == "silence":
        return f"{what}: {decision.reason or 'nobody answered in time'}"
    return f"{what}: {decision.reason}" if decision.reason else what
