"""One repair of a repository: test, let an agent mend a copy, test again, ask, commit.

What is committed is the diff that a person approved, and it gives the tree that the tests passed
on; the agent's word counts for nothing. The copy is a commit and recorded edits, so a crash costs
the step under way and no edit is made twice. Silence at the commit means: not committed.
"""

from typing import Any, cast

from temporalio import workflow
from temporalio.exceptions import ActivityError

# The sandbox runs this file anew for each run. Its collaborators are passed through: they keep no
# state in modules, and running them anew cost 20 ms of CPU a run.
with workflow.unsafe.imports_passed_through():
    from domain.lifecycle import State
    from domain.repair import (
        ForgetRequest,
        Prepared,
        PrepareRequest,
        RepairRequest,
        RepairResult,
        RepairState,
        Round,
        Source,
        Verified,
        VerifyRequest,
        branch_of,
        commit_message,
        round_task,
        tool_data,
    )
    from domain.run import Came
    from domain.runs import Outcome
    from workflows import policies
    from workflows.children import Child, Children
    from workflows.conducted import Conducted
    from workflows.desk import AbortedError, because
    from workflows.ends import LimitReachedError, RefusedError
    from workflows.failures import FAILURES
    from workflows.hand import Hand
    from workflows.steps import sure

AGENT = "repair"
COMMIT = "repo_commit"


@workflow.defn(name="RepairWorkflow", failure_exception_types=FAILURES)
class RepairWorkflow(Conducted[RepairResult]):
    """Owns one repository's repair, from the first test run to the commit."""

    NAME = "repair"

    @workflow.init
    def __init__(self, request: RepairRequest) -> None:
        self._request = request
        self._state = request.state or RepairState(
            lineage=str(workflow.uuid4()), started_at=workflow.now()
        )
        super().__init__(request, self._state, request.budget)
        # A dry run leaves the repository alone; the copy is its own to change.
        own = request.model_copy(update={"dry_run": False})
        self._children = Children(self, own, parallel=1)
        self._testing = False

    @workflow.run
    async def run(self, request: RepairRequest) -> RepairResult:
        """Repair until the diff is committed, refused, or no round is left.

        Raises:
            ApplicationError: Nobody came to a stopped repair for seven days; non-retryable.
        """
        return await self.conduct(self._work)

    # --- the phases

    async def _work(self) -> None:
        self.desk.move(State.VALIDATING)
        source = await self._prepare()
        self.desk.move(State.PLANNING)
        if await self._is_green(source):
            return
        self.desk.move(State.EXECUTING)
        while not self._mended():
            if len(self._state.rounds) >= self._request.rounds:
                self._state.verdict = "not_repaired"
                raise LimitReachedError(f"rounds ({self._request.rounds}); the tests still fail")
            await self._round(source)
            self.carry_on_if_due()
        self.desk.move(State.REVIEWING)
        await self._commit(source)

    async def _prepare(self) -> Source:
        """Find out which commit is repaired; from here on another HEAD does not matter."""
        if self._state.source is not None:
            return self._state.source
        asked = PrepareRequest(
            repository=self._request.repository,
            test=self._request.test,
            copy_id=self._state.lineage,
            branch=branch_of(workflow.info().workflow_id),
            allow_dirty=self._request.allow_dirty,
        )
        prepared = await sure(
            self.desk,
            "repair.prepare",
            lambda: workflow.execute_activity(
                "repair.prepare", asked, result_type=Prepared, **policies.COMPUTE
            ),
        )
        if prepared.source is None:
            raise RefusedError(prepared.refusal)
        self._state.source = prepared.source
        return prepared.source

    async def _is_green(self, source: Source) -> bool:
        """Test the commit as it is; one that passes has nothing to repair."""
        before = self._state.before
        if before is None:
            before = self._state.before = await self._verify(source)
        if before.unusable:
            raise RefusedError(before.unusable)
        if before.ran.green:
            self._state.verdict = "green"
        return before.ran.green

    async def _verify(self, source: Source) -> Verified:
        asked = VerifyRequest(
            source=source,
            test=self._request.test,
            command=self._request.command,
            readable=self._request.readable,
            edit_tests=self._request.edit_tests,
        )
        policy = policies.command(self._request.command.seconds)
        self._testing = True
        try:
            return await sure(
                self.desk,
                "repair.verify",
                lambda: workflow.execute_activity(
                    "repair.verify", asked, result_type=Verified, **policy
                ),
            )
        finally:
            self._testing = False

    async def _round(self, source: Source) -> None:
        """Let an agent change the copy, then test what it left."""
        state, number = self._state, len(self._state.rounds) + 1
        last = state.after or state.before
        if last is None:
            raise LookupError("a round began before the tests had run")
        came = await self._children.run(
            Child(
                id=f"round-{number}",
                agent=AGENT,
                task=round_task(self._request, last, state.rounds),
                data=tool_data(self._request, source),
                summary=f"round {number}",
            )
        )
        had = last.files
        after = state.after = await self._verify(source)
        state.rounds.append(_told(number, came, after, had))
        self.show()

    def _mended(self) -> bool:
        after = self._state.after
        return after is not None and after.ran.green

    # --- the commit

    async def _commit(self, source: Source) -> None:
        """Put the diff on a new branch, once a person approves exactly that diff.

        Raises:
            AbortedError: They do not, or nobody answers.
        """
        after, state = self._state.after, self._state
        if after is None or not after.diff:
            state.verdict = "flaky"
            return
        state.verdict = "proposed"
        arguments = {
            "branch": source.branch,
            "base": source.commit,
            "tree": after.tree,
            "message": commit_message(self._request.test, state.rounds),
            "diff": after.diff,
        }
        data = tool_data(self._request, source)
        task = f"repair {source.repository}: {self._request.test}"
        asked_before = len(state.decisions)
        hand = Hand(self, await self.resolve(AGENT), task, data)
        done = await hand.do(COMMIT, arguments)
        if done.ok:
            state.verdict, state.branch = "repaired", source.branch
            state.commit = _commit_in(done.text)
        elif not self._request.dry_run:
            answers = state.decisions[asked_before:]
            if answers and not answers[-1].granted:
                raise AbortedError(because("the diff was not approved", answers[-1]))
            raise AbortedError(f"the diff was not committed: {done.text}")

    # --- the end

    async def _undo(self, outcome: Outcome) -> None:
        """Clear the copy away, however the repair ends; nothing else was ever written."""
        source = self._state.source
        if source is None:
            return
        asked = ForgetRequest(
            source=source,
            run_id=workflow.info().workflow_id,
            branch_too=outcome is not Outcome.COMPLETED,
        )
        try:
            left = await workflow.execute_activity(
                "repair.forget", asked, result_type=str, **policies.COMPUTE
            )
        except ActivityError as error:
            left = f"{source.place} was not removed: {error.cause}"
        if left:
            self._state.not_done.append(left)

    def _result(self, outcome: Outcome, reason: str) -> RepairResult:
        state, source = self._state, self._state.source
        last = state.after or state.before
        return RepairResult(
            **self._closed(outcome, reason or _WELL.get(state.verdict, "")),
            verdict=state.verdict,
            repository=self._request.repository,
            test=self._request.test,
            base=source.commit if source else "",
            branch=state.branch,
            commit=state.commit,
            before=state.before.ending if state.before else "",
            after=state.after.ending if state.after else "",
            output=last.ran.output if last else "",
            diff=state.after.diff if state.after else "",
            files=state.after.files if state.after else (),
            rounds=tuple(state.rounds),
            confined=last.ran.confined if last else None,
            notes=source.notes if source else (),
        )

    # --- what is shown

    def _title(self) -> str:
        return f"Repair of {self._request.repository}"

    def _running(self) -> str:
        return "running the tests" if self._testing else ", ".join(self._children.running)

    def _counts(self) -> dict[str, int]:
        return {"rounds": len(self._state.rounds), "rounds at most": self._request.rounds}


_WELL = {
    "green": "the tests pass already: there is nothing to repair",
    "flaky": "the tests failed at first and pass now without a change: there is nothing to commit",
    "proposed": "a dry run: the diff mends the tests and was not committed",
}


def _told(number: int, came: Came, after: Verified, had: tuple[str, ...]) -> Round:
    """Return what a round came to; what the agent says of it is only its word."""
    said: Any = came.answer
    answer = cast("dict[str, Any]", said if isinstance(said, dict) else {})
    return Round(
        number=number,
        run_id=came.run_id,
        outcome=came.outcome.value,
        title=str(answer.get("title") or came.reason or "no answer")[:200],
        diagnosis=str(answer.get("diagnosis", ""))[:2_000],
        ending=after.ending,
        green=after.ran.green,
        files=tuple(path for path in after.files if path not in had),
    )


def _commit_in(text: str) -> str:
    """Return the commit that the tool names; empty where a person or its key vouched for it."""
    start = text.find('"commit":"')
    return text[start + 10 : start + 50] if start >= 0 else ""
