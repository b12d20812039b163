"""Judging the answer: by its schema, the agent's rules and the run's watches, then a person."""

import json
from typing import Any, cast

from temporalio import workflow

from workflows import policies
from workflows.desk import AbortedError, because
from workflows.escalating import may_try_again, refused_once_more
from workflows.passing import spilled
from workflows.steps import sure
from workflows.watching import Objection, Watches
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.approval import Form
    from domain.contract import strict_json
    from domain.evidence import calls_of
    from domain.messages import Message
    from domain.thinking import Reply
    from domain.verdicts import AnswerVerdict, CheckAnswerRequest


class Reviewer:
    """Sends back what is wrong, and puts before a person what cannot be settled."""

    def __init__(self, work: Work, watches: Watches) -> None:
        self._work = work
        self._request, self._state = work.request, work.state
        self._spec, self._desk = work.spec, work.desk
        self._watches = watches
        self.answer: Any = None
        self.logprobs: dict[str, float] = {}

    def _say(self, text: str) -> None:
        """Put a message of the run's own behind the transcript."""
        self._state.add(Message(role="user", text=text), made=False)

    # --- the answer

    async def accepts(self, reply: Reply) -> bool:
        """Whether the run may end with this answer; if not, the model was told why.

        Raises:
            AbortedError: A person refused the answer for good.
        """
        text = reply.message.text
        verdict = await sure(self._desk, "check.answer", lambda: self._verdict(text))
        problems = verdict.problems
        if reply.finish == "length":
            problems = ("the answer was cut at the output limit; give a shorter one", *problems)
        left_out = spilled(self._watches, verdict)
        text = verdict.instead or text
        objections = (
            [] if problems else [*left_out, *await self._watches.answer(text, self._parsed(text))]
        )
        refused = next((each for each in objections if each.refuse), None)
        if refused is not None:
            self._watches.reject(refused, "answer")
            problems = (refused.refuse,)
        elif left := next((each.instead for each in objections[::-1] if each.instead), ""):
            text = left
            problems = (
                await sure(self._desk, "check.answer", lambda: self._verdict(left))
            ).problems
        if problems and may_try_again(self._work):
            refused_once_more(self._work)
            hint = f" {refused.hint}." if refused is not None and refused.hint else ""
            self._say(f"The answer was refused: {'; '.join(problems)}. Answer again.{hint}")
            return False
        why = self._why_a_person(verdict, problems, objections)
        if why and self._request.dry_run:
            self._state.leave(f"a person would have been asked about the answer: {why}")
        if not why or self._request.dry_run:
            self.answer = self._parsed(text)
            self.logprobs = reply.logprobs
            return True
        return await self._ask_about(text, why)

    async def _verdict(self, text: str) -> AnswerVerdict:
        request = CheckAnswerRequest(
            agent=self._spec.name,
            text=text,
            answer_schema=self._spec.answer_schema,
            checks=self._spec.checks,
            made=calls_of(self._state) if self._spec.checks else (),
            task=self._request.task,
            typed=self._request.answer_schema is None,
        )
        if self._spec.guards is not None:
            request = request.model_copy(update={"guards": self._spec.guards})
        return await workflow.execute_local_activity(
            "check.answer", request, result_type=AnswerVerdict, **policies.CHECK
        )

    def _why_a_person(
        self, verdict: AnswerVerdict, problems: tuple[str, ...], objections: list[Objection]
    ) -> str:
        policy = self._spec.approvals
        if problems:
            return f"it was refused {self._state.revisions + 1} times: {'; '.join(problems)}"
        if asked := [each.ask for each in objections if each.ask]:
            return "; ".join(asked)
        stated = verdict.confidence
        if policy.below_confidence and stated is not None and stated < policy.below_confidence:
            return f"its confidence is {stated}, under {policy.below_confidence}"
        if policy.sample_rate and workflow.random().random() < policy.sample_rate:
            return "it was drawn for review"
        return ""

    async def _ask_about(self, text: str, why: str) -> bool:
        shown = self._parsed(text)
        fields = cast("dict[str, Any]", shown) if isinstance(shown, dict) else {"answer": shown}

        async def check(changed: dict[str, Any]) -> str:
            return "; ".join((await self._verdict(self._written(changed))).problems)

        form = self._form(
            "answer",
            "accept this answer",
            why,
            (
                ("approve", "the run ends with this answer"),
                ("reject", "it goes back to the model with your reason; without one the run ends"),
                ("modify", 'the run ends with yours: {"arguments": {…}}'),
            ),
            fields,
        )
        decision = await self._desk.ask(form, check)
        if decision.verdict == "modify":
            self.answer = self._parsed(self._written(decision.arguments or {}))
            return True
        if decision.granted:
            self.answer = shown
            return True
        if decision.verdict == "silence" or not decision.reason:
            raise AbortedError(because("the answer was not accepted", decision))
        self._say(f"A person refused the answer: {decision.reason}. Answer again.")
        return False

    def _written(self, changed: dict[str, Any]) -> str:
        """Return a person's answer as a model would have written it."""
        if self._spec.answer_schema is None:
            return str(changed.get("answer", ""))
        return json.dumps(changed)

    def _parsed(self, text: str) -> Any:
        if self._spec.answer_schema is None:
            return text
        try:
            return strict_json(text)
        except ValueError:
            return text

    def _form(
        self,
        kind: str,
        title: str,
        why: str,
        options: tuple[tuple[str, str], ...],
        arguments: dict[str, Any] | None = None,
    ) -> Form:
        return Form(
            kind=kind,
            title=title,
            why=why,
            request=self._request.task,
            done=self._state.done(),
            options=options,
            arguments=arguments,
        )
