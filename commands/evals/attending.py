"""Whoever is asked in an evaluation: the answers that a case declares, in the people's place."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from temporalio.service import RPCError

from commands import reading
from commands.evals.cases import Said
from commands.session import Session
from domain.approval import Question

# Most runs have ended by then; a question waits as long as it likes.
_FIRST_LOOK_S: Final = 0.25
_LOOKS_S: Final = 0.3
_NOBODY: Final = "the evaluation's case declares no answer to this"


@dataclass(frozen=True)
class Asked:
    """A question, and what was answered."""

    kind: str
    tool: str
    arguments: dict[str, Any] | None
    verdict: str
    declared: bool


@dataclass
class Attendant:
    """Answers what a run, and those below it, ask; a run that stands still is ended."""

    session: Session
    run_id: str
    answers: list[Said]
    asked: list[Asked] = field(default_factory=list[Asked])
    _answered: set[str] = field(default_factory=set[str])

    async def until(self, end: "asyncio.Task[Any]") -> None:
        """Attend until `end` is done."""
        wait = _FIRST_LOOK_S
        while not end.done():
            await asyncio.wait({end}, timeout=wait)
            wait = _LOOKS_S
            if not end.done():
                with suppress(RPCError):
                    await self._look(self.run_id)

    async def _look(self, run_id: str) -> None:
        found = await self.session.handle(run_id).describe()
        if reading.is_closed(found):
            return
        for child in found.raw_description.pending_children:
            await self._look(child.workflow_id)
        said = await reading.status(self.session, run_id)
        if (question := reading.question(said)) is not None:
            await self._answer(run_id, question)
        elif said is not None and said.stop is not None:
            reason = f"an evaluation does not wait: {said.stop.step}: {said.stop.reason}"
            await self.session.handle(run_id).signal("abort", {"reason": reason[:1_000]})

    async def _answer(self, run_id: str, question: Question) -> None:
        if question.id in self._answered:
            return
        self._answered.add(question.id)
        said = self._next(question)
        declared = said is not None
        said = said or Said(verdict="reject", reason=_NOBODY)
        told = {"approval_id": question.id, "reason": said.reason, "by": "an evaluation"}
        if said.arguments is not None:
            told = {**told, "arguments": said.arguments}
        await self.session.handle(run_id).signal(said.verdict, told)
        self.asked.append(
            Asked(question.kind, question.tool, question.arguments, said.verdict, declared)
        )

    def _next(self, question: Question) -> Said | None:
        """Return the first declared answer that is for this question, and use it."""
        for number, said in enumerate(self.answers):
            if said.tool in {"", question.tool} and said.kind in {"", question.kind}:
                return self.answers.pop(number)
        return None
