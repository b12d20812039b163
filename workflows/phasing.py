"""Phases of one agent's work: what a phase has left is checked before the next one begins.

A phase ends where a tool of a later one is called, or where the answer is given. What does not
hold is told to the model, then put before a person; the account is that of an orchestrated run.
"""

from typing import Any, Literal

from temporalio import workflow

from workflows import policies
from workflows.sidecalls import count
from workflows.steps import sure
from workflows.watching import Objection, Watch
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.acting import ActOutcome
    from domain.checking import PhaseRequest
    from domain.checkpoint import Checkpoint
    from domain.evidence import calls_of
    from domain.selfcheck import MOST_KEPT
    from domain.tools import ToolSpec
    from domain.verdicts import AnswerVerdict

_Way = Literal["coherent", "retry", "skip", "unasked"]


class Phases(Watch):
    """Holds a run in its phase until the phase's rules hold."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._checks = work.state.checks
        self._phases = work.spec.phases
        self._of = {tool: at for at, phase in enumerate(self._phases) for tool in phase.tools}

    async def before(self, tool: ToolSpec, arguments: dict[str, Any]) -> Objection | None:
        """Object to a call of a later phase while an earlier one does not hold."""
        at = self._of.get(tool.name)
        return None if at is None else await self._reach(at, f"{tool.name} belongs to")

    async def after(self, tool: ToolSpec, arguments: dict[str, Any], outcome: ActOutcome) -> None:
        """Follow the run: a person may let it go on, and a model may go back."""
        at = self._of.get(tool.name)
        if at is None:
            return
        for phase in range(self._checks.phase, at):
            self._note(phase, "skip", ())
        self._checks.phase = at

    async def answer(self, text: str, shown: Any) -> Objection | None:
        """Object to an answer while a phase does not hold."""
        return await self._reach(len(self._phases), "the answer ends")

    async def _reach(self, at: int, what: str) -> Objection | None:
        """End the phases before `at`, or say why the first of them that does not hold cannot."""
        while self._checks.phase < at:
            phase = self._checks.phase
            wrong = await self._wrong(phase)
            if wrong and not self._work.desk.asks_nobody:
                return self._held(phase, wrong, what, at)
            if wrong:
                self._work.state.leave(f"a person would have been asked: {'; '.join(wrong)}")
            self._note(phase, "unasked" if wrong else "coherent", wrong)
            self._checks.phase = phase + 1
        return None

    async def _wrong(self, phase: int) -> tuple[str, ...]:
        declared = self._phases[phase]
        if not declared.checks:
            return ()
        work = self._work
        request = PhaseRequest(
            agent=work.spec.name,
            phase=declared.name,
            checks=declared.checks,
            made=calls_of(work.state),
            task=work.request.task,
        )
        verdict = await sure(
            work.desk,
            "check.phase",
            lambda: workflow.execute_local_activity(
                "check.phase", request, result_type=AnswerVerdict, **policies.CHECK
            ),
        )
        return verdict.problems

    def _held(self, phase: int, wrong: tuple[str, ...], what: str, at: int) -> Objection:
        """Send the model back, and after so many times ask a person."""
        name, told = self._phases[phase].name, "; ".join(wrong)
        last = at >= len(self._phases)
        reason = f"phase {name!r} has not ended: {told}"
        if self._times(name) >= self._work.spec.revisions:
            count("phase", "person")
            return Objection(by="phase", ask=f"{reason} ({what} what comes after it)")
        self._note(phase, "retry", wrong)
        later = "answer again" if last else f"call a tool of phase {self._phases[at].name!r} again"
        return Objection(by="phase", refuse=reason, hint=f"do what is missing, then {later}")

    def _times(self, name: str) -> int:
        """Return how often in a row the model was sent back into a phase."""
        backs = 0
        for each in reversed(self._checks.checkpoints):
            if each.phase != name or each.way != "retry":
                break
            backs += 1
        return backs

    def _note(self, phase: int, way: _Way, wrong: tuple[str, ...]) -> None:
        count("phase", way)
        found = Checkpoint(phase=self._phases[phase].name, wrong=wrong, way=way, at=workflow.now())
        if len(self._checks.checkpoints) >= MOST_KEPT:
            self._checks.checkpoints.pop(0)
        self._checks.checkpoints.append(found)
