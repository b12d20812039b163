"""Long-term memory: what is kept beyond a run, whose it is, and what a later run is told of it.

Everything belongs to one tenant and one agent. Nothing here, in the repository or in the index can
be asked without a `Scope`, so that one tenant's words cannot reach another's model.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from pydantic import Field, ValidationError

from domain.contract import Contract, digest

Kind = Literal["episode", "fact", "passage", "preference"]
KINDS: tuple[Kind, ...] = ("episode", "fact", "passage", "preference")
KNOWLEDGE: tuple[Kind, ...] = ("fact", "passage")
"""What `recall` looks through; episodes and preferences are brought by themselves."""

MAX_TEXT = 8_000  # characters of one thing that is remembered
MAX_NAME = 255  # of a tenant, a requester, a topic
_ID = 24  # hex digits


class MemoryPolicy(Contract):
    """What an agent remembers from run to run, and how much of it a run is told.

    Attributes:
        episodes: Earlier runs like this one that are recalled at most; 0: none is kept either.
        knowledge: Facts and passages that are recalled at most, by the task and by `recall`.
        preferences: Of the requester, the newest, that are recalled at most; 0: none is kept.
        tools: The agent is offered `recall`, `remember` and `remember_preference`.
        relevance: What a text must share with the question to be recalled, 0 to 1: the part of the
            question's words that it holds, each weighted by how rare it is in this memory.
        similarity: The same for embeddings: the least cosine.
        told_bytes: UTF-8 bytes of all that a run is told of its memory at its start.
        retention: How long a memory is kept; None: as long as the settings say.
    """

    episodes: int = Field(default=3, ge=0, le=20)
    knowledge: int = Field(default=2, ge=0, le=20)
    preferences: int = Field(default=10, ge=0, le=50)
    tools: bool = True
    relevance: float = Field(default=0.3, ge=0, le=1)
    similarity: float = Field(default=0.35, ge=0, le=1)
    told_bytes: int = Field(default=6_000, ge=500)
    retention: timedelta | None = None


class Scope(Contract):
    """Whose memory: nothing is read or written without one, and nothing passes from one to another.

    An id hangs on its scope, so that the same words of two tenants are two memories.
    """

    tenant: str = Field(min_length=1, max_length=MAX_NAME)
    agent: str = Field(min_length=1, max_length=64)

    @staticmethod
    def of(tenant: str, agent: str) -> "Scope | None":
        """Return the scope of a run; None where its tenant's name is none that can be kept."""
        try:
            return Scope(tenant=tenant, agent=agent)
        except ValidationError:
            return None

    def id_of(self, kind: Kind, *parts: str) -> str:
        """Return the id of a memory: the same for the same thing, so that keeping is repeatable."""
        return digest("memory", self.tenant, self.agent, kind, *parts, length=_ID)


class Reach(Contract):
    """What an operator looks through: one tenant, and one of its agents or all of them."""

    tenant: str = Field(min_length=1, max_length=MAX_NAME)
    agent: str = ""


class Access(Contract):
    """Whose memory a tool call may use. The workflow says so; the model can neither see nor set it.

    Attributes:
        by: The requester, as the run was told; empty: nobody whose preferences could be kept.
        untrusted: The run has read the words of strangers, so what it remembers may be theirs.
        private: The agent's words go to the operator's own endpoint only, embeddings included.
    """

    scope: Scope
    by: str = ""
    policy: MemoryPolicy = MemoryPolicy()
    untrusted: bool = False
    private: bool = False


class Episode(Contract):
    """What a run leaves for later ones like it.

    Attributes:
        task: What it was asked to do.
        approach: The tools that it called, in order, a repeated one with its count.
        outcome: How it ended, in one word.
        success: Its answer stood, so it is an example; else it is a warning.
        answer: The beginning of its answer.
        reason: Why it ended, where it did not simply complete; what it left undone.
        corrections: What people changed or refused, and why: a sentence each.
    """

    task: str
    approach: tuple[str, ...] = ()
    outcome: str
    success: bool
    answer: str = ""
    reason: str = ""
    corrections: tuple[str, ...] = ()
    turns: int = 0
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)


class Memory(Contract):
    """One thing that is remembered.

    Attributes:
        text: What is searched: an episode's task, a fact, a passage, a preference.
        topic: What a preference is about; the requester's next one about it replaces it.
        source: Where a fact or a passage is from: a file and a place in it, or what the model said.
        by: The requester in whose run it was remembered, or who added it.
        run_id: That run; empty where a person added it.
        untrusted: The words of strangers had a part in it.
        expires_at: From then on nobody is told of it; None: never.
    """

    id: str
    kind: Kind
    scope: Scope
    text: str
    topic: str = ""
    source: str = ""
    by: str = ""
    run_id: str = ""
    untrusted: bool = False
    at: datetime
    expires_at: datetime | None = None
    episode: Episode | None = None


class Found(Contract):
    """A memory that a search brought.

    Attributes:
        relevance: 0 to 1; what it means hangs on `how`.
        how: By the words that it shares with the question, or by its meaning (embeddings).
    """

    memory: Memory
    relevance: float
    how: Literal["words", "meaning"] = "words"


class Vector(NamedTuple):
    """An embedding: the model that made it, and its numbers, of length one together."""

    model: str
    values: tuple[float, ...]


class Recalled(Contract):
    """That something was recalled: which, and how well it fitted. Kept in the run's result."""

    id: str
    kind: Kind
    relevance: float = 1


class RecallRequest(Contract):
    """What is remembered that a run with this task should know?"""

    access: Access
    task: str


class EpisodeToKeep(Contract):
    """What a run that has ended leaves behind; the same run's twice is one."""

    access: Access
    episode: Episode
    run_id: str
    at: datetime


class Recollection(Contract):
    """What a run is told at its start.

    Attributes:
        text: One message for the model; empty where nothing fits.
        recalled: What it is made of.
        untrusted: The words of strangers had a part in some of it.
    """

    text: str = ""
    recalled: tuple[Recalled, ...] = ()
    untrusted: bool = False


def sound(text: str, most: int = MAX_TEXT) -> str:
    """Return the beginning of `text` as every database and history can hold it."""
    return text[:most].replace("\0", " ").encode("utf-8", "replace").decode()


def relevant(found: Iterable[Found], least: float, most: int) -> list[Found]:
    """Return the few that help: over the floor, and at least half as good as the best of them.

    Two chunks that fit beat ten of which eight do not: a model reads them all, and is led by them.
    """
    best = sorted(found, key=lambda each: (-each.relevance, each.memory.id))
    over = [each for each in best if each.relevance >= least]
    return [each for each in over if each.relevance >= over[0].relevance / 2][:most]


def examples(found: Iterable[Found], least: float, most: int) -> list[Found]:
    """Return the earlier runs to tell of; where a success and a failure fit, one of each at least.

    A run that only hears of successes repeats the failures, and the other way round.
    """
    fitting = relevant(found, least, 10_000)
    chosen = fitting[:most]
    if most > 1 and len({_succeeded(each) for each in chosen}) == 1:
        missing = next((x for x in fitting if _succeeded(x) != _succeeded(chosen[0])), None)
        if missing is not None:
            chosen = [*chosen[: most - 1], missing]
    return chosen


def _succeeded(found: Found) -> bool:
    return found.memory.episode is not None and found.memory.episode.success


def fused(*rankings: list[Found]) -> list[Found]:
    """Return what several searches found, as one ranking: by the reciprocals of its ranks.

    Their scores cannot be compared, their ranks can. Source: Cormack, Clarke and Buettcher, 2009.
    """
    scores: dict[str, float] = {}
    known: dict[str, Found] = {}
    for ranking in rankings:
        for rank, each in enumerate(ranking):
            scores[each.memory.id] = scores.get(each.memory.id, 0) + 1 / (_FUSION + rank)
            known.setdefault(each.memory.id, each)
    return sorted(known.values(), key=lambda each: (-scores[each.memory.id], each.memory.id))


_FUSION = 60  # the paper's: it keeps one search's first from outweighing both searches' seconds
