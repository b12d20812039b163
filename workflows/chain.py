"""One chain: each step a run of its own, given what it declares and nothing of the others.

Durable is what each step answered. A crash costs nothing but the step under way, and that goes on
by itself. A step that fails ends the chain, which names it and keeps what is done; one that waits
for a person makes the chain wait.
"""

from typing import Any, NoReturn, cast

from temporalio import workflow

# The sandbox runs this file anew for each run. Its collaborators are passed through: they keep no
# state in modules, and running them anew cost 20 ms of CPU a run.
with workflow.unsafe.imports_passed_through():
    from domain.chain import (
        INPUT,
        MOST_HANDED,
        STEP_AGENT,
        ChainRequest,
        ChainResult,
        ChainState,
        ChainStep,
        CheckValueRequest,
        Problems,
        StepDone,
        Take,
        tokens,
    )
    from domain.contract import canonical
    from domain.handoff import Origin, cut, gathered, is_longer
    from domain.lifecycle import State
    from domain.run import Came
    from domain.runs import Outcome
    from workflows import policies
    from workflows.children import Child, Children
    from workflows.conducted import Conducted
    from workflows.ends import RefusedError
    from workflows.failures import FAILURES
    from workflows.steps import sure

_SHORTER = (
    "Summarise the text in at most {most} characters. Keep names, numbers and dates; add nothing."
)


class _EndedError(Exception):
    """A step did not come to an answer; caught by the chain, which ends with it."""


@workflow.defn(name="ChainWorkflow", failure_exception_types=FAILURES)
class ChainWorkflow(Conducted[ChainResult]):
    """Owns one chain, from its input to the last step's answer."""

    NAME = "chain"

    @workflow.init
    def __init__(self, request: ChainRequest) -> None:
        self._request = request
        self._state = request.state or ChainState(
            lineage=str(workflow.uuid4()), started_at=workflow.now()
        )
        super().__init__(request, self._state, request.budget)
        self._children = Children(self, request, parallel=1)

    @workflow.run
    async def run(self, request: ChainRequest) -> ChainResult:
        """Run the steps in order; the chain ends where one of them does not come to an answer.

        Raises:
            ApplicationError: Nobody came to a stopped chain for seven days; non-retryable.
        """
        return await self.conduct(self._work)

    async def _work(self) -> None:
        self.desk.move(State.VALIDATING)
        if not self._state.continued:
            await self._check()
        self.desk.move(State.PLANNING)
        self.desk.move(State.EXECUTING)
        try:
            while len(self._state.done) < len(self._request.steps):
                await self._step(len(self._state.done))
                self.show()
                self.carry_on_if_due()
        except _EndedError:
            return  # `_close` has the outcome from the step
        self.desk.move(State.REVIEWING)

    async def _check(self) -> None:
        """Refuse a chain that could not be run to its end, before any of it is paid for."""
        asked = self._request.model_copy(update={"state": None})
        found = await sure(
            self.desk,
            "chain.check",
            lambda: workflow.execute_local_activity(
                "chain.check", asked, result_type=Problems, **policies.CHECK
            ),
        )
        if found.problems:
            raise RefusedError("; ".join(found.problems[:5]))

    # --- one step

    async def _step(self, index: int) -> None:
        step = self._request.steps[index]
        given, cuts = await self._handed(index)
        came = await self._children.run(
            Child(
                id=step.name,
                agent=step.agent,
                task=_task(step, given),
                data=step.inputs,
                limits=step.limits,
                answer_schema=step.output,
                summary=f"step {index + 1} of {len(self._request.steps)}: {step.name}",
            )
        )
        self._state.done.append(_done(step, came, given, cuts))
        if not came.ok:
            raise _EndedError

    async def _handed(self, index: int) -> tuple[dict[str, Any], list[str]]:
        """Return what a step is given, made to fit, and what was done to make it so."""
        step = self._request.steps[index]
        given: dict[str, Any] = {}
        cuts: list[str] = []
        for name, (source, value) in gathered(self._request, index, self._made()).items():
            given[name], how = await self._fitted(step, name, value)
            if how:
                cuts.append(f"{name}: {how}")
            self._count(source, given[name])
        size = len(canonical(given))
        if size > MOST_HANDED:
            self._refuse(step, f"it would be given {size:,} bytes; {MOST_HANDED:,} are allowed")
        asked = CheckValueRequest(value=given, value_schema=step.input)
        found = await sure(
            self.desk,
            "chain.fits",
            lambda: workflow.execute_local_activity(
                "chain.fits", asked, result_type=Problems, **policies.CHECK
            ),
        )
        if found.problems:
            self._refuse(step, f"what it is given does not fit: {'; '.join(found.problems)}")
        return given, cuts

    async def _fitted(self, step: ChainStep, name: str, value: Any) -> tuple[Any, str]:
        """Return a value no longer than the step takes it, and what was done to it."""
        take = step.take.get(name, Take())
        if not is_longer(value, take.most):
            return value, ""
        if take.longer == "summarise" and isinstance(value, str):
            return await self._summarised(step, name, value, take.most)
        shorter = cut(value, take.most) if take.longer == "cut" else None
        if shorter is None:
            self._refuse(step, f"{name!r} is longer than the {take.most:,} characters it takes")
        return shorter

    async def _summarised(
        self, step: ChainStep, name: str, text: str, most: int
    ) -> tuple[str, str]:
        """Have a run of its own shorten a text; what is still too long is cut."""
        came = await self._children.run(
            Child(
                id=f"{step.name}-{name}-summary",
                agent=STEP_AGENT,
                task={"instruction": _SHORTER.format(most=most), "input": {"text": text}},
                answer_schema=_summary_schema(most),
                summary=f"summary of {name} for {step.name}",
            )
        )
        if not came.ok:
            self._refuse(step, f"{name!r} could not be summarised: {came.reason}", came.outcome)
        summary = str(cast("dict[str, Any]", came.answer)["summary"])
        shorter = cut(summary, most) if is_longer(summary, most) else None
        said = shorter.value if shorter else summary
        return said, f"summarised from {len(text):,} to {len(said):,} characters"

    def _refuse(self, step: ChainStep, reason: str, outcome: Outcome = Outcome.FAILED) -> NoReturn:
        """End the chain at a step that cannot begin."""
        self._state.done.append(
            StepDone(name=step.name, agent=step.agent, outcome=outcome, reason=reason)
        )
        raise _EndedError

    def _made(self) -> dict[str, dict[str, Any]]:
        """Return what can be handed on: what the chain was given, and each step's answer."""
        answers: dict[str, dict[str, Any]] = {}
        for each in self._state.done:
            said: Any = each.answer
            if isinstance(said, dict):
                answers[each.name] = cast("dict[str, Any]", said)
        return {INPUT: self._request.given, **answers}

    def _count(self, source: Origin, value: Any) -> None:
        """Note that a later step is given something of an earlier one's answer."""
        for index, each in enumerate(self._state.done):
            if each.name == source.step:
                handed = each.handed_tokens + tokens({source.field: value})
                self._state.done[index] = each.model_copy(update={"handed_tokens": handed})

    # --- the end

    async def _close(self, outcome: Outcome, reason: str) -> ChainResult:
        """Close with the outcome of the step that ended the chain, if one did."""
        last = self._last()
        if outcome is Outcome.COMPLETED and last is not None:
            outcome, reason = last.outcome, f"step {last.name!r} {last.outcome}: {last.reason}"
        return await super()._close(outcome, reason)

    def _last(self) -> StepDone | None:
        """Return the step that did not come to an answer."""
        done = self._state.done
        return done[-1] if done and done[-1].outcome is not Outcome.COMPLETED else None

    def _result(self, outcome: Outcome, reason: str) -> ChainResult:
        done, failed = self._state.done, self._last()
        whole = len(done) == len(self._request.steps) and failed is None and done
        before = done[: len(self._request.steps) - 1]
        return ChainResult(
            **self._closed(outcome, reason),
            title=self._title(),
            answer=done[-1].answer if whole else None,
            steps=tuple(done),
            failed=failed.name if failed else "",
            waiting=tuple(step.name for step in self._request.steps[len(done) :]),
            produced_tokens=sum(each.produced_tokens for each in before),
            handed_tokens=sum(each.handed_tokens for each in before),
        )

    # --- what is shown

    def _title(self) -> str:
        return self._request.title or "chain"

    def _running(self) -> str:
        return ", ".join(self._children.running)

    def _counts(self) -> dict[str, int]:
        return {"steps done": len(self._state.done), "steps": len(self._request.steps)}


def _task(step: ChainStep, given: dict[str, Any]) -> dict[str, Any]:
    """Return what a step's agent reads: what to do and what to do it with."""
    if step.instruction:
        return {"instruction": step.instruction, "input": given}
    return given


def _done(step: ChainStep, came: Came, given: dict[str, Any], cuts: list[str]) -> StepDone:
    return StepDone(
        name=step.name,
        agent=step.agent,
        run_id=came.run_id,
        outcome=came.outcome,
        reason=came.reason,
        answer=came.answer if came.ok else None,
        given_tokens=tokens(given),
        produced_tokens=tokens(came.answer) if came.ok else 0,
        used_tokens=came.spend.tokens,
        cut=tuple(cuts),
    )


def _summary_schema(most: int) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"summary": {"type": "string", "minLength": 1, "maxLength": most}},
        "required": ["summary"],
        "additionalProperties": False,
    }
