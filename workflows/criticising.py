"""A critic before what is proposed becomes real: it accepts, or sends back with reasons.

After so many refinements a person decides, and reads the reasons. An accept takes no question
from a person; a critic that gives no verdict stops only what its policy says it must stop.
"""

from typing import Any

from temporalio import workflow

from workflows.escalating import may_try_again
from workflows.sidecalls import SideCalls, Unanswered, Wanted, count
from workflows.watching import Objection, Watch
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.contract import canonical
    from domain.evidence import calls_of, shown, within
    from domain.selfcheck import CriticPolicy, CriticVerdict, Review, Subject
    from domain.taint import marked
    from domain.tools import ToolSpec

_ANSWER = "answer"
_HINT = "mend what the reasons name, or say in the answer why it cannot be done"
_MOST_KEPT = 1_000  # characters of the reasons that the result keeps


class Critic(Watch):
    """Has another prompt, or another model, look at calls and answers.

    What a person changed goes by it: a model does not overrule a person.
    """

    of_people = False

    def __init__(self, work: Work, side: SideCalls, policy: CriticPolicy) -> None:
        self._work = work
        self._state = work.state
        self._side = side
        self._policy = policy

    async def before(self, tool: ToolSpec, arguments: dict[str, Any]) -> Objection | None:
        """Object to a call that the critic would have changed."""
        subject = self._policy.subject(tool)
        if subject is None:
            return None
        written = canonical(arguments).decode("utf-8", "replace")
        proposal = (
            f"A call of `{tool.name}`, whose effect is {tool.effect.value}: {tool.description}\n\n"
            f"Its arguments:\n{marked(written, 'proposal')}"
        )
        return self._weigh(tool.name, subject, await self._asked(tool.name, proposal))

    async def answer(self, text: str, shown: Any) -> Objection | None:
        """Object to an answer that the critic would have changed."""
        if _ANSWER not in self._policy.reviews:
            return None
        proposal = f"The agent's final answer:\n{marked(text, 'proposal')}"
        return self._weigh(_ANSWER, _ANSWER, await self._asked(_ANSWER, proposal))

    async def _asked(self, of: str, proposal: str) -> CriticVerdict | Unanswered:
        policy = self._policy
        wanted = Wanted("critic", policy.route, policy.max_output_tokens)
        return await self._side.ask(wanted, self._text(of, proposal), CriticVerdict)

    def _text(self, of: str, proposal: str) -> str:
        """Return what the critic reads: everything that is not the goal's stands in marks."""
        spec, policy = self._work.spec, self._policy
        constraints = "\n".join(f"- {each}" for each in policy.constraints)
        before = [each for each in self._state.checks.reviews if each.of == of]
        back = before[-1] if before and before[-1].then == "back" else None
        parts = (
            ("The goal", within(self._work.request.task, policy.evidence_bytes)),
            ("What the agent must keep to", f"{spec.system}\n{constraints}".strip()),
            (
                "What the run's calls brought",
                shown(calls_of(self._state), policy.evidence_bytes),
            ),
            ("Why you sent the proposal before this one back", back.reason if back else ""),
            ("The proposal", proposal),
        )
        return "\n\n".join(f"# {title}\n\n{text}" for title, text in parts if text)

    # --- what a verdict leads to

    def _weigh(
        self, of: str, subject: Subject, said: CriticVerdict | Unanswered
    ) -> Objection | None:
        if isinstance(said, Unanswered):
            return self._without(of, subject, said.reason)
        count("critic", said.verdict)
        if said.verdict == "accept":
            self._note(Review(of=of, verdict="accept", then="on", turn=self._turn))
            return None
        told = said.told[:_MOST_KEPT]
        back = self._state.checks.backs.get(of, 0)
        again = back < self._policy.refinements and (
            subject != _ANSWER or may_try_again(self._work)
        )
        then = "back" if again else "person"
        self._note(Review(of=of, verdict="revise", reason=told, then=then, turn=self._turn))
        if again:
            return Objection(by="critic", refuse=told, hint=_HINT)
        times = f" for the {back + 1}. time" if back else ""
        return Objection(by="critic", ask=f"the critic is against it{times}: {told}")

    def _without(self, of: str, subject: Subject, reason: str) -> Objection | None:
        """Do what is declared for a critic that gave no verdict."""
        count("critic", "none")
        asks = subject in self._policy.asks_without
        then = "person" if asks else "on"
        self._note(
            Review(of=of, verdict="none", reason=reason[:_MOST_KEPT], then=then, turn=self._turn)
        )
        if asks:
            return Objection(by="critic", ask=f"the critic gave no verdict: {reason}")
        self._state.leave(f"the critic did not look at {of}: {reason}")
        return None

    def _note(self, review: Review) -> None:
        self._state.checks.review(review)
        workflow.logger.info(
            "critic on %s: %s, %s: %s", review.of, review.verdict, review.then, review.reason
        )

    @property
    def _turn(self) -> int:
        return len(self._state.turns)
