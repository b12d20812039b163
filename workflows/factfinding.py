"""Looking claims up: listed by one call, asked about by rules' leave, answered by another call."""

from collections.abc import Sequence

from temporalio import workflow

from workflows import policies
from workflows.evidence import MOST_TASK, Evidence
from workflows.sidecalls import SideCalls, Unanswered, Wanted
from workflows.steps import sure
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.claims import (
        Claim,
        Compared,
        CompareRequest,
        Extraction,
        Findings,
        Found,
        Sorted,
        SortRequest,
        Source,
        Unit,
        Verdict,
    )
    from domain.evidence import within
    from domain.selfcheck import Judged, VerificationPolicy
    from domain.taint import marked

_TRIES = 2
_NOT_LISTED = "nothing that was listed covers it, so nobody looked it up"
_MOST_CLAIM = 500


class FactFinder:
    """Judges what an answer says, part by part."""

    def __init__(self, work: Work, side: SideCalls, policy: VerificationPolicy) -> None:
        self._work = work
        self._side = side
        self._policy = policy
        self._evidence = Evidence(work, side)

    async def judge(self, said: Sequence[Unit]) -> list[tuple[Unit, Judged]] | Unanswered:
        """Return each claim with its unit and what looking it up came to, in no order."""
        listed = await self._listed(said)
        if isinstance(listed, Unanswered):
            return listed
        claims, order = listed
        asked = sorted(index for batch in order.batches for index in batch)
        if len(asked) > self._policy.most_claims:
            most = self._policy.most_claims
            return Unanswered(f"it makes {len(asked)} claims, and {most} are looked up at most")
        found: dict[int, Found] = {}
        sources: list[Source] = []
        questions = [claims[index].question for index in asked]
        fresh = await self._evidence.looked_up(questions, self._policy, self._wanted("lookup"))
        for batch in order.batches:
            answers = await self._answered([claims[index] for index in batch], fresh, sources)
            if isinstance(answers, Unanswered):
                return answers
            found |= {batch[number]: each for number, each in answers.items()}
        verdicts = await self._compared(
            [claims[index] for index in asked], [found.get(index) for index in asked], sources
        )
        looked_up = [
            (said[claims[index].of - 1], self._judged(claims[index], verdict))
            for index, verdict in zip(asked, verdicts, strict=True)
        ]
        return [*looked_up, *self._unchecked(said, claims, order)]

    # --- listing

    async def _listed(self, said: Sequence[Unit]) -> tuple[tuple[Claim, ...], Sorted] | Unanswered:
        """Return the claims and which can be asked about; a second try mends what is wrong."""
        parts = enumerate(said, 1)
        text = "\n".join(f"{number}. {each.path}: {each.text}" for number, each in parts)
        task = f"# The task\n\n{within(self._work.request.task, MOST_TASK)}"
        body, wrong = f"{task}\n\n# The answer\n\n{marked(text, 'answer')}", ""
        best: tuple[tuple[Claim, ...], Sorted] | None = None
        for _ in range(_TRIES):
            listed = await self._side.ask(self._wanted("claims"), body + wrong, Extraction)
            if isinstance(listed, Unanswered):
                return best or listed
            order = await self._sorted(said, listed.claims)
            if best is None or len(order.missing) < len(best[1].missing):
                best = (listed.claims, order)
            if not order.missing:
                break
            wrong = f"\n\n# What was wrong with your last list\n\n{_mend(said, order)}"
        return best or Unanswered("no claim was listed")

    async def _sorted(self, said: Sequence[Unit], claims: tuple[Claim, ...]) -> Sorted:
        request = SortRequest(units=tuple(said), claims=claims, together=self._policy.together)
        return await sure(
            self._work.desk,
            "claims.sort",
            lambda: workflow.execute_local_activity(
                "claims.sort", request, result_type=Sorted, **policies.CHECK
            ),
        )

    # --- answering

    async def _answered(
        self, claims: Sequence[Claim], fresh: Sequence[Source], sources: list[Source]
    ) -> dict[int, Found] | Unanswered:
        """Ask one batch of questions; who answers them sees neither claims nor answer.

        The evidence that it is shown is put to `sources`, which the claims are compared with.
        """
        questions = [claim.question for claim in claims]
        evidence = await self._evidence.of(questions, fresh, self._policy.evidence_bytes)
        sources.extend(each for each in evidence if each not in sources)
        asked = "\n".join(f"{number}. {each}" for number, each in enumerate(questions, 1))
        shown = "\n".join(marked(f"{each.name}\n{each.text}", "evidence") for each in evidence)
        text = f"# Questions\n\n{asked}\n\n# Evidence\n\n{shown}"
        said = await self._side.ask(self._wanted("verify"), text, Findings)
        if isinstance(said, Unanswered):
            return said
        there = range(1, len(claims) + 1)
        return {each.question - 1: each for each in said.answers if each.question in there}

    async def _compared(
        self, claims: Sequence[Claim], found: Sequence[Found | None], sources: Sequence[Source]
    ) -> tuple[Verdict, ...]:
        request = CompareRequest(claims=tuple(claims), found=tuple(found), sources=tuple(sources))
        compared = await sure(
            self._work.desk,
            "claims.compare",
            lambda: workflow.execute_local_activity(
                "claims.compare", request, result_type=Compared, **policies.CHECK
            ),
        )
        return compared.verdicts

    # --- what it came to

    def _unchecked(
        self, said: Sequence[Unit], claims: Sequence[Claim], order: Sorted
    ) -> list[tuple[Unit, Judged]]:
        """Return the parts that nobody could be asked about: not looked up is not verified."""
        why = {claims[index].of: reason for index, reason in order.wrong.items()}
        return [
            (
                said[number - 1],
                Judged(
                    claim=said[number - 1].text[:_MOST_CLAIM],
                    finding="unchecked",
                    because=why.get(number, _NOT_LISTED),
                    then="stands",
                    turn=len(self._work.state.turns),
                ),
            )
            for number in order.missing
        ]

    def _judged(self, claim: Claim, verdict: Verdict) -> Judged:
        return Judged(
            claim=claim.part[:_MOST_CLAIM],
            question=claim.question,
            finding=verdict.finding,
            because=verdict.because,
            then="stands",
            turn=len(self._work.state.turns),
        )

    def _wanted(self, purpose: str) -> Wanted:
        return Wanted(purpose, self._policy.route, self._policy.max_output_tokens)


def _mend(said: Sequence[Unit], order: Sorted) -> str:
    missing = [f"part {number} ({said[number - 1].text[:80]!r})" for number in order.missing]
    wrong = list(order.wrong.values())
    told = [*wrong[:8], f"no right claim covers {', '.join(missing[:8])}"]
    return "\n".join(f"- {each}" for each in told)
