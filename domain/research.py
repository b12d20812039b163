"""What the specialists of a research hand each other: typed, and nothing besides.

A specialist is told its task as one of these values and answers with one of these values. What a
model writes is `Strict`; a quotation names its passage by id, so that it can be looked up.
"""

from typing import Final, Literal

from pydantic import Field

from domain.contract import Contract, Strict

Kind = Literal["search", "synthesise", "write"]
Action = Literal["retry", "reassign", "ask"]

SUPERVISOR: Final = "researcher_supervisor"
VERIFIER: Final = "researcher_verifier"
SPECIALISTS: Final[dict[str, Kind]] = {
    "researcher_search": "search",
    "researcher_reader": "search",
    "researcher_synthesis": "synthesise",
    "researcher_digest": "synthesise",
    "researcher_writer": "write",
    "researcher_editor": "write",
}
"""Who does which kind of sub-task; the first of a kind is its usual one."""

MAX_TASKS: Final = 12
MAX_QUOTE: Final = 1_600
MAX_CLAIM: Final = 1_000


class SubTask(Strict):
    """One part of the work, for one specialist.

    Attributes:
        id: Short, unique in the plan.
        specialist: Who does it.
        instruction: What is to be found, put together or written.
        needs: Sub-tasks whose results it is handed.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")
    specialist: str
    instruction: str = Field(min_length=1, max_length=2_000)
    needs: tuple[str, ...] = ()


class Recovery(Strict):
    """What the supervisor decides where a specialist has failed.

    Attributes:
        action: Try the same specialist again, give the task to `specialist`, or ask a person.
        specialist: Of `reassign`: another one that does this kind of task.
        instruction: What the specialist is told instead; empty leaves it as it was.
    """

    action: Action
    specialist: str = ""
    instruction: str = Field(default="", max_length=2_000)
    reason: str = Field(default="", max_length=1_000)


class SupervisorAnswer(Strict):
    """A plan, or a decision on a failure: what was asked for, and not the other."""

    tasks: tuple[SubTask, ...] = Field(default=(), max_length=MAX_TASKS)
    decision: Recovery | None = None


class Citation(Strict):
    """A passage and the words of it that bear a claim out."""

    passage: str = Field(max_length=64)
    quote: str = Field(max_length=MAX_QUOTE)


class Evidence(Strict):
    """What a search has found: quotations, and what it looked for in vain."""

    found: tuple[Citation, ...] = Field(default=(), max_length=30)
    gaps: tuple[str, ...] = Field(default=(), max_length=10)


class Claim(Strict):
    """One statement, and what bears it out."""

    text: str = Field(min_length=1, max_length=MAX_CLAIM)
    citations: tuple[Citation, ...] = Field(default=(), max_length=8)


class Synthesis(Strict):
    """What several quotations come to, claim by claim."""

    claims: tuple[Claim, ...] = Field(default=(), max_length=60)
    gaps: tuple[str, ...] = Field(default=(), max_length=10)


class DraftSection(Strict):
    """A part of a report."""

    heading: str = Field(max_length=200)
    claims: tuple[Claim, ...] = Field(default=(), max_length=80)


class Draft(Strict):
    """A report that nobody has checked."""

    title: str = Field(max_length=300)
    sections: tuple[DraftSection, ...] = Field(default=(), max_length=20)
    gaps: tuple[str, ...] = Field(default=(), max_length=20)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """All that it claims, in order."""
        return tuple(claim for section in self.sections for claim in section.claims)


class Opinion(Strict):
    """What the verifier says of one claim."""

    supported: bool
    reason: str = Field(default="", max_length=1_000)


# --- what each is told


class PlanTask(Contract):
    """The supervisor's first task."""

    want: Literal["plan"] = "plan"
    question: str
    documents: tuple[str, ...] = ()
    more_documents: int = 0
    specialists: dict[str, Kind]


class RecoverTask(Contract):
    """The supervisor's task where a specialist has failed.

    Attributes:
        attempts: Who tried, and what came of it, a line each.
        others: Specialists that do this kind of task and have not tried.
    """

    want: Literal["decision"] = "decision"
    question: str
    task: SubTask
    failure: str
    attempts: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


class SearchTask(Contract):
    """What a specialist for searching is told."""

    question: str
    instruction: str


class SynthesisTask(Contract):
    """What a specialist for putting together is told."""

    question: str
    instruction: str
    evidence: tuple[Evidence, ...] = ()


class Finding(Contract):
    """What a sub-task came to, and what it was about."""

    about: str
    claims: tuple[Claim, ...] = ()
    gaps: tuple[str, ...] = ()


class WriteTask(Contract):
    """What a specialist for writing is told."""

    question: str
    instruction: str
    findings: tuple[Finding, ...] = ()


class ShownPassage(Contract):
    """A passage as the verifier sees it."""

    document: str
    place: str = ""
    text: str
    quotes: tuple[str, ...] = ()


class VerifyTask(Contract):
    """All that the verifier sees: one claim, and the passages that it cites."""

    claim: str
    passages: tuple[ShownPassage, ...]


def plan_problems(tasks: tuple[SubTask, ...]) -> tuple[str, ...]:
    """Return what is wrong with a plan, one sentence each; nothing where it can be followed."""
    ids = [task.id for task in tasks]
    wrong = [
        f"two sub-tasks have the id {each!r}"
        for each in sorted({i for i in ids if ids.count(i) > 1})
    ]
    for task in tasks:
        if task.specialist not in SPECIALISTS:
            wrong.append(
                f"sub-task {task.id!r} names the specialist {task.specialist!r}; "
                f"there are {sorted(SPECIALISTS)}"
            )
        wrong += [
            f"sub-task {task.id!r} needs {each!r}, which is not in the plan"
            for each in task.needs
            if each not in ids
        ]
    if wrong:
        return tuple(wrong)
    return (*_out_of_order(tasks), *_wrong_kinds(tasks))


def _out_of_order(tasks: tuple[SubTask, ...]) -> list[str]:
    done: set[str] = set()
    left = list(tasks)
    while ready := [task for task in left if done.issuperset(task.needs)]:
        done |= {task.id for task in ready}
        left = [task for task in left if task.id not in done]
    circle = sorted(task.id for task in left)
    return [f"sub-tasks need each other in a circle: {circle}"] if circle else []


_NEEDS: Final[dict[str, str | None]] = {
    "search": None,
    "synthesise": "search",
    "write": "synthesise",
}


def _wrong_kinds(tasks: tuple[SubTask, ...]) -> list[str]:
    """Return where a specialist would be handed what it cannot read, and what nobody writes."""
    kinds: dict[str, str] = {task.id: SPECIALISTS[task.specialist] for task in tasks}
    wrong: list[str] = []
    for task in tasks:
        takes = _NEEDS[kinds[task.id]]
        handed = {kinds[need] for need in task.needs}
        if takes is None and handed:
            wrong.append(f"sub-task {task.id!r} searches, and a search needs nothing before it")
        elif takes is not None and handed != {takes}:
            wrong.append(f"sub-task {task.id!r} ({kinds[task.id]}) needs results of {takes!r} only")
    writes = [task.id for task in tasks if kinds[task.id] == "write"]
    if len(writes) != 1:
        wrong.append(f"one sub-task writes the report, not {len(writes)}")
    return wrong
