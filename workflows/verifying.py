"""Chain of verification: before a report is released, every claim is judged by what it cites.

First by rules, which no model can influence: a citation resolves to a passage of this run and holds
the quoted words; the claim's numbers, names and key words are in it. What is left is judged by the
verifier, in a run of its own that sees one claim and the passages it cites. Both must be for it.
"""

from pydantic import ValidationError
from temporalio import workflow

from workflows import policies
from workflows.children import Child, Children
from workflows.conducted import Conducted
from workflows.ends import LimitReachedError
from workflows.steps import sure, together
from workflows.supervising import unaffordable

with workflow.unsafe.imports_passed_through():
    from domain.research import VERIFIER, Claim, Draft, Opinion, ShownPassage, VerifyTask
    from domain.researching import (
        CheckedClaim,
        CheckedClaims,
        CheckRequest,
        FoundBy,
        Passage,
        Removed,
        ResearchResult,
        ResearchState,
        Stated,
    )

_SLICE = 24  # claims between two moments at which the run may continue as new
_TRIES = 2
_NUMBER = "claim-{:03d}-{}"


class Verification:
    """Judges the claims of a draft in their order, and sorts them."""

    def __init__(
        self, run: Conducted[ResearchResult], state: ResearchState, children: Children
    ) -> None:
        self._run = run
        self._state = state
        self._children = children

    async def judge_next(self, draft: Draft) -> bool:
        """Judge the next claims; False where all are judged."""
        placed = [
            (at, claim) for at, section in enumerate(draft.sections) for claim in section.claims
        ]
        first = self._state.judged
        due = placed[first : first + _SLICE]
        if not due:
            return False
        checked = await self._checked(tuple(claim for _, claim in due))
        passages = {passage.id: passage for passage in checked.passages}
        whys = await together(
            self._judged(number, each, passages)
            for number, each in enumerate(checked.claims, first + 1)
        )
        for (at, _), each, (opinion, by) in zip(due, checked.claims, whys, strict=True):
            heading = draft.sections[at].heading
            self._sort(at, heading, each, opinion, by)
            if opinion.supported:
                self._cite(each, passages)
        self._state.judged += len(due)
        return True

    async def _checked(self, claims: tuple[Claim, ...]) -> CheckedClaims:
        asked = CheckRequest(collection=self._state.lineage, claims=claims)
        return await sure(
            self._run.desk,
            "research.check",
            lambda: workflow.execute_activity(
                "research.check", asked, result_type=CheckedClaims, **policies.COMPUTE
            ),
        )

    async def _judged(
        self, number: int, checked: CheckedClaim, passages: dict[str, Passage]
    ) -> tuple[Opinion, FoundBy]:
        """Return whether a claim stands, and by which check; the rules come first."""
        if checked.problem:
            return Opinion(supported=False, reason=checked.problem[:1_000]), checked.found_by
        why = ""
        for again in range(1, _TRIES + 1):
            child = Child(
                id=_NUMBER.format(number, again),
                agent=VERIFIER,
                task=_told(checked, passages).model_dump(mode="json"),
                summary=f"verify: {checked.claim.text}",
            )
            came = await self._children.run(child)
            if unaffordable(came):
                raise LimitReachedError("the research's budget")
            if came.ok:
                try:
                    return Opinion.model_validate(came.answer), "verifier"
                except ValidationError:
                    why = "its answer does not fit"
            else:
                why = came.reason or str(came.outcome)
        # Not judged is not verified: what nobody could check is not released.
        unjudged = f"the verifier could not judge it: {why}"[:1_000]
        return Opinion(supported=False, reason=unjudged), "verifier"

    def _sort(
        self, at: int, heading: str, checked: CheckedClaim, opinion: Opinion, by: FoundBy
    ) -> None:
        claim = checked.claim
        if opinion.supported:
            stated = Stated(text=claim.text, citations=checked.standing, because=opinion.reason)
            self._state.stated.append((at, stated))
            self._state.dropped += [
                f"{why} (cited for: {claim.text[:120]})" for why in checked.dropped
            ]
            return
        self._state.removed.append(
            Removed(
                text=claim.text,
                heading=heading,
                why=opinion.reason or "the verifier is not convinced",
                found_by=by,
                citations=claim.citations,
            )
        )

    def _cite(self, checked: CheckedClaim, passages: dict[str, Passage]) -> None:
        for citation in checked.standing:
            self._state.sources[citation.passage] = passages[citation.passage]


def _told(checked: CheckedClaim, passages: dict[str, Passage]) -> VerifyTask:
    quotes: dict[str, list[str]] = {}
    for citation in checked.standing:
        quotes.setdefault(citation.passage, []).append(citation.quote)
    return VerifyTask(
        claim=checked.claim.text,
        passages=tuple(
            ShownPassage(
                document=passages[name].name,
                place=passages[name].place,
                text=passages[name].text,
                quotes=tuple(said),
            )
            for name, said in quotes.items()
        ),
    )
