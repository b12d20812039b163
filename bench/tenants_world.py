"""Twenty tenants that could be taken for one another, and what each of their agents remembers.

All speak of the same things in the same words, so every search would find everybody's. What belongs
to whom is written into each text as a mark, which only its owner may ever be shown.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from domain.contract import digest
from domain.memory import Episode, Kind, Memory, Scope

AGENTS = ("helper", "scout", "writer")
REQUESTERS = ("ada", "bob", "eve", "ada%")
MARK = re.compile(r"mark[0-9a-f]{12}")
# Names that differ by little, and names that mean something to a database or an index.
_NAMES = (
    "acme", "ACME", "acme ", "acme%", "acme_", "acm_", "acme' OR '1'='1", 'acme" OR scope:*',
    "acme/eu", "acme/eu/1", "\N{CYRILLIC SMALL LETTER A}cme", "acme\tx", "default", "*", "NULL",
    "tenant:1", "tenant:11", "0", "00", "zürich",
)  # fmt: skip
_THINGS = (
    "refund", "invoice", "contract", "delivery", "kettle", "passport", "warranty", "account",
    "supplier", "meeting", "budget", "password", "salary", "address", "shipment", "complaint",
)  # fmt: skip
_DOINGS = ("approve", "send", "cancel", "review", "translate", "compare", "archive", "explain")
_WHENS = ("before noon", "within five days", "on Mondays", "at once", "next quarter", "in writing")


@dataclass
class World:
    """What everybody remembers.

    Attributes:
        scopes: Every tenant's every agent.
        memories: All that is kept, by scope.
        marks: Whose each mark is.
    """

    seed: int
    tenants: int = 20
    rng: random.Random = field(init=False)
    scopes: list[Scope] = field(init=False)
    memories: dict[Scope, list[Memory]] = field(init=False)
    marks: dict[str, Scope] = field(default_factory=dict[str, Scope])

    def __post_init__(self) -> None:
        """Make it, the same for the same seed."""
        self.rng = random.Random(self.seed)
        extra = (f"tenant {number}" for number in range(self.tenants))
        names = [*_NAMES, *extra][: self.tenants]
        self.scopes = [Scope(tenant=name, agent=agent) for name in names for agent in AGENTS]
        self.memories = {scope: list(self._of(scope)) for scope in self.scopes}

    def sentence(self) -> str:
        """Return a sentence as any of them would say it."""
        doing, when = self.rng.choice(_DOINGS), self.rng.choice(_WHENS)
        one, other = self.rng.sample(_THINGS, 2)
        return f"{doing.capitalize()} the {one} and the {other} {when}"

    def question(self, scope: Scope) -> str:
        """Return what is asked: of shared things, for another's mark, or in an index's words."""
        other = self.rng.choice(self.scopes)
        return self.rng.choice(
            (
                f"How do we {self.sentence().lower()}?",
                self.sentence(),
                self.rng.choice(self.memories[other]).text,
                f"{other.tenant} {self.mark(other)} {self.rng.choice(_THINGS)}",
                f'" OR scope : "{other.tenant}" AND words : {self.rng.choice(_THINGS)}* --',
                f"{self.rng.choice(_THINGS)} {self.mark(scope)}",
            )
        )

    def mark(self, scope: Scope) -> str:
        """Return the mark of a scope."""
        found = f"mark{digest('mark', scope.tenant, scope.agent, length=12)}"
        self.marks[found] = scope
        return found

    def _of(self, scope: Scope) -> Iterator[Memory]:
        for _ in range(8):
            yield self._memory(scope, "fact")
            yield self._memory(scope, "passage")
        for _ in range(6):
            yield self._memory(scope, "episode")
        for by in REQUESTERS:
            yield self._memory(scope, "preference", by)

    def _memory(self, scope: Scope, kind: Kind, by: str = "") -> Memory:
        text = f"{self.sentence()}, says {self.mark(scope)}"
        done = Episode(
            task=text,
            outcome="completed",
            success=bool(self.rng.randrange(2)),
            answer=f"done for {self.mark(scope)}",
        )
        return Memory(
            id=scope.id_of(kind, text, by),
            kind=kind,
            scope=scope,
            text=text,
            by=by or self.rng.choice(REQUESTERS),
            source=f"file of {self.mark(scope)}",
            at=datetime(2026, 1, 1, tzinfo=UTC),
            episode=done if kind == "episode" else None,
        )
