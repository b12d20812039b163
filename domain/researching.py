"""A research: what starts it, what it remembers, what it comes to."""

from typing import Literal

from pydantic import Field

from domain.contract import Contract
from domain.research import Citation, Claim, Draft, Evidence, Kind, SubTask, Synthesis
from domain.runs import Outcome, RunRequest, RunResult, RunState

MAX_QUESTION = 4_000

FoundBy = Literal["citation", "rules", "verifier"]


class ResearchRequest(RunRequest):
    """Starts a research. Every field has a default, so that `{}` is a refusal and not a crash.

    Attributes:
        question: What the report shall answer.
        documents: A folder that the workers can read.
        parallel: Specialists and verifiers at work at once.
        attempts: Specialists that are tried for one sub-task before a person is asked.
        state: Set by continue-as-new.
    """

    question: str = ""
    documents: str = ""
    parallel: int = Field(default=8, ge=1, le=50)
    attempts: int = Field(default=3, ge=1, le=10)
    state: "ResearchState | None" = None


# --- documents


class Document(Contract):
    """A document that was read. `id` is the hash of its text."""

    id: str
    name: str
    characters: int
    passages: int


class Unread(Contract):
    """A file that could not be read, and why."""

    name: str
    reason: str


class ReadRequest(Contract):
    """Read a folder into the collection of a run."""

    folder: str
    collection: str


class Collected(Contract):
    """What was read, or why there is nothing to work on.

    Attributes:
        others: How many files are of a kind that is not read.
        more: How many documents were read besides those listed.
    """

    documents: tuple[Document, ...] = ()
    unread: tuple[Unread, ...] = ()
    others: int = 0
    more: int = 0
    refusal: str = ""


class Passage(Contract):
    """A part of a document. `id` is the hash of the document and of where the part begins."""

    id: str
    document: str
    name: str
    offset: int
    place: str
    text: str


# --- the work


class Attempt(Contract):
    """One specialist's try at a sub-task."""

    specialist: str
    run_id: str
    outcome: Outcome
    failure: str = ""


class Recovered(Contract):
    """A decision on a failure, as the run followed it.

    Attributes:
        by: Who took it: the supervisor, a rule (the supervisor was not usable or out of tries)
            or a person.
        action: What was done; `leave` goes on without the sub-task.
    """

    task: str
    specialist: str
    failure: str
    by: Literal["supervisor", "rule", "person"]
    action: Literal["retry", "reassign", "ask", "leave"]
    to: str = ""
    reason: str = ""


class Worked(Contract):
    """A sub-task that is settled: its result by the kind of its specialist, or none."""

    task: SubTask
    kind: Kind
    attempts: tuple[Attempt, ...] = ()
    evidence: Evidence | None = None
    synthesis: Synthesis | None = None
    draft: Draft | None = None

    @property
    def done(self) -> bool:
        """Whether it has a result."""
        return self.evidence is not None or self.synthesis is not None or self.draft is not None


# --- the report


class CheckRequest(Contract):
    """Claims to look at, with the collection that their passages must be in."""

    collection: str
    claims: tuple[Claim, ...]


class CheckedClaim(Contract):
    """A claim after the rules.

    Attributes:
        standing: Citations that resolve, hold their words and are no instruction.
        dropped: Why the others fell, one sentence each.
        problem: Why the claim is not borne out, empty where the rules have nothing against it.
        found_by: Which check spoke against it.
    """

    claim: Claim
    standing: tuple[Citation, ...] = ()
    dropped: tuple[str, ...] = ()
    problem: str = ""
    found_by: FoundBy = "rules"


class CheckedClaims(Contract):
    """One checked claim for each claim, in order, and the passages that stand."""

    claims: tuple[CheckedClaim, ...] = ()
    passages: tuple[Passage, ...] = ()


class Stated(Contract):
    """A claim of the report: it was checked, and stands."""

    text: str
    citations: tuple[Citation, ...]
    because: str = ""


class Section(Contract):
    """A part of the report."""

    heading: str
    claims: tuple[Stated, ...] = ()


class Removed(Contract):
    """A claim that was taken out before the report was released, and why."""

    text: str
    heading: str
    why: str
    found_by: FoundBy
    citations: tuple[Citation, ...] = ()


class ResearchState(RunState):
    """All that a research remembers.

    Attributes:
        judged: How many claims of the draft have been judged.
    """

    collected: Collected | None = None
    plan: list[SubTask] = Field(default_factory=list[SubTask])
    worked: list[Worked] = Field(default_factory=list[Worked])
    recoveries: list[Recovered] = Field(default_factory=list[Recovered])
    judged: int = 0
    stated: list[tuple[int, Stated]] = Field(default_factory=list[tuple[int, Stated]])
    removed: list[Removed] = Field(default_factory=list[Removed])
    dropped: list[str] = Field(default_factory=list[str])
    sources: dict[str, Passage] = Field(default_factory=dict[str, Passage])


class ResearchResult(RunResult):
    """What a research came to.

    Attributes:
        sections: The report: every claim is cited, and every citation was checked.
        removed: Claims that were taken out, each with the reason.
        dropped: Citations that fell while their claim stood on others, a sentence each.
        sources: The cited passages.
        others: How many files of other kinds were in the folder.
        more: How many documents were read besides those listed.
        work: Every sub-task, with who tried it and what it came to.
        recoveries: What was decided where a specialist failed, in order.
        gaps: What was looked for and not found.
        markdown: Artifact of the report as Markdown; empty where none was made.
        html: Artifact of the report as one page.
    """

    question: str = ""
    title: str = ""
    sections: tuple[Section, ...] = ()
    removed: tuple[Removed, ...] = ()
    dropped: tuple[str, ...] = ()
    sources: tuple[Passage, ...] = ()
    documents: tuple[Document, ...] = ()
    unread: tuple[Unread, ...] = ()
    others: int = 0
    more: int = 0
    work: tuple[Worked, ...] = ()
    recoveries: tuple[Recovered, ...] = ()
    gaps: tuple[str, ...] = ()
    markdown: str = ""
    html: str = ""

    @property
    def claims(self) -> tuple[Stated, ...]:
        """All claims of the report, in order."""
        return tuple(claim for section in self.sections for claim in section.claims)


class Composed(Contract):
    """Where the report was put."""

    markdown: str
    html: str


ResearchRequest.model_rebuild()
