"""What an agent has checked of its own work, as data that a run keeps; all of it off by default.

Four mechanisms, each with its account in the run's result: a critic before what is proposed
becomes real, claims that are looked up anew, second checks right before what cannot be undone,
and phases that end with a check. `domain/claims.py` has what claims are judged by.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.checkpoint import Checkpoint
from domain.contract import Contract, Strict
from domain.tools import Effect, ToolSpec

Subject = Literal["writes", "irreversible", "answer"]
MOST_KEPT: Final = 200
"""Entries of one kind that a run's account has; counters have all."""


class CriticPolicy(Contract):
    """Another look at what is proposed, before it becomes real.

    An accept never replaces an approval: it takes no question from a person.

    Attributes:
        reviews: What the critic sees: all `writes`, those that are `irreversible`, the `answer`.
        refinements: Times its reasons go to the model, for each tool and for the answer; then a
            person decides, and reads them. For an answer the agent's `revisions` bound it too.
        constraints: What a proposal must keep to, a sentence each, beside the agent's prompt.
        asks_without: Where the critic gives no verdict (it is down, cut, or cannot be
            understood) a person decides on these; all else goes on, and the result says so.
        route: Models tried in order; empty: the model that the gateway picks for checks.
        max_output_tokens: Of one verdict.
        evidence_bytes: UTF-8 bytes of the calls' results that it is shown, the last ones first.
    """

    reviews: tuple[Subject, ...] = ("irreversible", "answer")
    refinements: int = Field(default=2, ge=0, le=10)
    constraints: tuple[str, ...] = ()
    asks_without: tuple[Subject, ...] = ("irreversible",)
    route: tuple[str, ...] = ()
    max_output_tokens: int = Field(default=800, ge=64)
    evidence_bytes: int = Field(default=24_000, ge=500)

    def subject(self, tool: ToolSpec) -> Subject | None:
        """Return as what a call of `tool` is reviewed; None where it is not."""
        if tool.effect is Effect.IRREVERSIBLE and {"irreversible", "writes"} & {*self.reviews}:
            return "irreversible"
        return "writes" if tool.writes and "writes" in self.reviews else None


class VerificationPolicy(Contract):
    """Chain of verification: an answer's claims are looked up anew, unseen by who looks.

    Attributes:
        fields: Fields of a typed answer that make claims; empty: all of them.
        drops: Lists of a typed answer whose items are taken out where a claim in them does not
            hold; `answer` takes such sentences out of a plain text. All else goes back.
        refinements: Times the reasons go to the model; then a person decides.
        sources: The agent's own tools, reads all, that may be asked for each question; what the
            run has read is looked at whatever they bring.
        together: Questions that are answered in one call; 1: each by itself. Questions that
            would give one another away are never put together.
        most_claims: Claims that are looked up; an answer with more goes to a person.
        asks_without: Whether a person decides on an answer that could not be verified; else it
            goes on, and the result says so.
        route: Models tried in order; empty: the model that the gateway picks for checks.
        evidence_bytes: UTF-8 bytes of results shown with one call's questions.
        max_output_tokens: Of one of its calls.
    """

    fields: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    refinements: int = Field(default=1, ge=0, le=10)
    sources: tuple[str, ...] = ()
    together: int = Field(default=6, ge=1, le=20)
    most_claims: int = Field(default=24, ge=1, le=60)
    asks_without: bool = True
    route: tuple[str, ...] = ()
    evidence_bytes: int = Field(default=24_000, ge=500)
    max_output_tokens: int = Field(default=2_000, ge=64)


class EscalationPolicy(Contract):
    """A larger model before a person: the last tries at an answer that is refused.

    Attributes:
        route: Models tried in order. They are handed the conversation as it stands.
        tries: Answers they give, after the agent's `revisions` are used up.
    """

    route: tuple[str, ...] = Field(min_length=1)
    tries: int = Field(default=1, ge=1, le=10)


class SidePrompt(Contract):
    """The system prompt of calls beside the conversation, and the version of its file."""

    text: str
    version: str


class PhaseSpec(Contract):
    """A part of an agent's work, with the rules that end it.

    Attributes:
        tools: The tools that belong to it; the others of the agent belong to every phase.
        checks: Names of rules over what was done, which must hold before the next phase.
    """

    name: str
    tools: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()


# --- what a critic says


class CriticVerdict(Strict):
    """What the critic says of a proposal."""

    verdict: Literal["accept", "revise"]
    reasons: tuple[str, ...] = Field(max_length=10)

    @model_validator(mode="after")
    def _gives_reasons(self) -> "CriticVerdict":
        if self.verdict == "revise" and not any(reason.strip() for reason in self.reasons):
            raise ValueError("`revise` needs reasons, else nobody knows what to change")
        return self

    @property
    def told(self) -> str:
        """The reasons in one line."""
        return "; ".join(reason.strip().rstrip(".;") for reason in self.reasons if reason.strip())


# --- the account


class Review(Contract):
    """What the critic said of one proposal, and what followed.

    Attributes:
        of: The tool, or `answer`.
        verdict: `none` where it gave none; the reason says why.
        then: It went on, was sent back to the model, or a person was asked.
        turn: Model calls that the run had made.
    """

    of: str
    verdict: Literal["accept", "revise", "none"]
    reason: str = ""
    then: Literal["on", "back", "person"]
    turn: int
    by: str = ""


Finding = Literal["supported", "contradicted", "unsupported", "unchecked"]


class Judged(Contract):
    """A claim of an answer and what looking it up came to.

    Attributes:
        claim: The words of the answer.
        question: What was asked in its place.
        finding: `unchecked`: no question could be asked that does not give the claim away.
        because: Why.
        then: It stands, was taken out, went back to the model, or before a person.
    """

    claim: str
    question: str = ""
    finding: Finding
    because: str = ""
    then: Literal["stands", "dropped", "back", "person"]
    turn: int


class Checked(Contract):
    """A second check that was made.

    Attributes:
        when: Before a person is asked, or right before the effect.
        refused: Why the call did not run; empty where it could.
    """

    tool: str
    when: Literal["proposed", "effect"]
    refused: str = ""
    turn: int


class SelfChecks(BaseModel):
    """What a run had checked of its own work; grows in place.

    Attributes:
        unverified: Why an answer went on, or before a person, without being verified.
        backs: How often in a row the critic sent a tool's calls, or the `answer`, back.
        verified_back: Answers that went back for their claims.
        phase: The phase that the run is in, by its place.
        checkpoints: What was found where phases end.
        escalated: Answers that the larger model was asked for.
    """

    model_config = ConfigDict(extra="ignore")

    def model_post_init(self, _: Any) -> None:
        """Count every field as set: the converter drops unset ones, and lists change in place."""
        self.model_fields_set.update(type(self).model_fields)

    reviews: list[Review] = Field(default_factory=list[Review])
    claims: list[Judged] = Field(default_factory=list[Judged])
    backs: dict[str, int] = Field(default_factory=dict[str, int])
    verified_back: int = 0
    unverified: str = ""
    second: list[Checked] = Field(default_factory=list[Checked])
    phase: int = 0
    checkpoints: list[Checkpoint] = Field(default_factory=list[Checkpoint])
    escalated: int = 0

    @property
    def empty(self) -> bool:
        """Whether nothing was checked."""
        return not (
            self.reviews or self.claims or self.unverified or self.second
            or self.checkpoints or self.escalated
        )  # fmt: skip

    def review(self, made: Review) -> None:
        """Note what the critic said."""
        self.backs[made.of] = self.backs.get(made.of, 0) + 1 if made.then == "back" else 0
        if len(self.reviews) < MOST_KEPT:
            self.reviews.append(made)

    def judge(self, made: Sequence[Judged]) -> None:
        """Note what became of an answer's claims; of earlier answers those that went back stay."""
        self.verified_back += any(claim.then == "back" for claim in made)
        kept = [claim for claim in self.claims if claim.then == "back"]
        self.claims = [*kept, *made][-MOST_KEPT:]

    def handed_on(self) -> "SelfChecks":
        """Return the account for the agent that goes on: what was found stays, its counts begin."""
        return self.model_copy(update={"backs": {}, "verified_back": 0, "phase": 0, "escalated": 0})

    def check(self, made: Checked) -> None:
        """Note a second check."""
        if len(self.second) < MOST_KEPT:
            self.second.append(made)
