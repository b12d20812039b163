"""Chain of verification: an answer's claims are looked up by somebody who does not see them.

One call lists the claims and a question for each; rules refuse a question that gives its claim
away, and name what no claim covers. Another call, which is shown the questions and the evidence
and nothing else, answers them. Rules compare the two. What does not hold is taken out, where the
policy says so, or goes back with the reason, then before a person.
"""

import json
from collections.abc import Sequence
from typing import Any

from temporalio import workflow

from workflows.escalating import may_try_again
from workflows.factfinding import FactFinder
from workflows.sidecalls import SideCalls, Unanswered, count
from workflows.watching import Objection, Watch
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.claims import Unit, droppable, units, without
    from domain.selfcheck import Judged, VerificationPolicy

_BY = "verification"
_HINT = "say only what the calls brought, and leave out what they do not show"
_MOST_TOLD = 8
_Found = Sequence[tuple[Unit, Judged]]


class Verification(Watch):
    """Has the claims of answers looked up."""

    def __init__(self, work: Work, side: SideCalls, policy: VerificationPolicy) -> None:
        self._work = work
        self._checks = work.state.checks
        self._finder = FactFinder(work, side, policy)
        self._policy = policy

    async def answer(self, text: str, shown: Any) -> Objection | None:
        """Object to claims that do not hold, or give the answer without them."""
        said = units(shown, self._policy.fields)
        if not said:
            return None
        found = await self._finder.judge(said)
        if isinstance(found, Unanswered):
            return self._unverified(found.reason)
        return self._weigh(shown, found)

    def _unverified(self, reason: str) -> Objection | None:
        """Do what is declared for an answer that nobody could verify."""
        count(_BY, "none")
        self._checks.unverified = reason
        if self._policy.asks_without:
            return Objection(by=_BY, ask=f"the answer could not be verified: {reason}")
        self._work.state.leave(f"the answer was not verified: {reason}")
        return None

    def _weigh(self, shown: Any, found: _Found) -> Objection | None:
        self._checks.unverified = ""
        for _, judged in found:
            count(_BY, judged.finding)
        drops = self._policy.drops
        wrong = [(unit, judged) for unit, judged in found if judged.finding != "supported"]
        out = [unit for unit, _ in wrong if droppable(unit.path, drops)]
        stays = [(unit, judged) for unit, judged in wrong if unit not in out]
        if not stays:
            self._note(found, out, "stands")
            return Objection(by=_BY, instead=_text(without(shown, out, drops))) if out else None
        told = _told(stays)
        if self._checks.verified_back < self._policy.refinements and may_try_again(self._work):
            self._note(found, (), "back")
            return Objection(by=_BY, refuse=told, hint=_HINT)
        self._note(found, out, "person")
        left = _text(without(shown, out, drops)) if out else ""
        return Objection(by=_BY, ask=f"looked up anew, not all of it holds: {told}", instead=left)

    def _note(self, found: _Found, out: Sequence[Unit], then: Any) -> None:
        """Keep what became of each claim."""
        kept: list[Judged] = []
        for unit, judged in found:
            became = "stands" if judged.finding == "supported" else then
            if unit in out:
                became = "dropped"
                self._work.state.leave(f"taken out of the answer: {judged.claim}: {judged.because}")
            kept.append(judged.model_copy(update={"then": became}))
        self._checks.judge(kept)
        workflow.logger.info(
            "verification: %s claims, %s do not hold",
            len(kept),
            sum(each.finding != "supported" for each in kept),
        )


def _told(wrong: _Found) -> str:
    lines = [
        f"{unit.path}: {judged.claim!r} is {judged.finding} ({judged.because})"
        for unit, judged in wrong
    ]
    more = f"; and {len(lines) - _MOST_TOLD} more" if len(lines) > _MOST_TOLD else ""
    return "; ".join(lines[:_MOST_TOLD]) + more


def _text(answer: Any) -> str:
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
