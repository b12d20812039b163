"""What a run still knows of the turns that were folded away, each item with its source.

A model proposes an update and rules judge it (`domain/summary.py`). The goal, people's decisions,
the writes made, the plan and the working memory are put beside it by code, never by a model.
"""

from collections.abc import Iterable, Sequence

from domain.contract import Contract

_FACT, _DECISION, _QUESTION = "f", "d", "q"


class Item(Contract):
    """One thing that is known, decided or open.

    Attributes:
        id: `f3`, `d4` or `q5`; never given to another item of the run.
        source: The messages that say it, for example `m6, m7`.
        key: The goal depends on it: it is the last to be left out where room is short.
    """

    id: str
    text: str
    source: str
    key: bool = False

    @property
    def size(self) -> int:
        """UTF-8 bytes of the item as a model reads it."""
        return len(self.line.encode("utf-8", "surrogatepass")) + 1

    @property
    def line(self) -> str:
        """The item on one line."""
        return f"- {self.id} ({self.source}): {self.text}"


class Manifest(Contract):
    """What replaces the old detail of a run.

    Attributes:
        progress: Where the work stands, in a few sentences.
        left_out: Items that were left out because room was short; the kept records have them.
        given: Numbers given to items so far.
    """

    progress: str = ""
    facts: tuple[Item, ...] = ()
    decisions: tuple[Item, ...] = ()
    questions: tuple[Item, ...] = ()
    left_out: int = 0
    given: int = 0

    @property
    def items(self) -> tuple[Item, ...]:
        """All items, oldest first in each kind."""
        return (*self.facts, *self.decisions, *self.questions)

    @property
    def size(self) -> int:
        """UTF-8 bytes of the progress and the items."""
        return len(self.progress.encode("utf-8", "surrogatepass")) + sum(i.size for i in self.items)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all items."""
        return frozenset(item.id for item in self.items)

    def knows(self, text: str) -> bool:
        """Whether an item says just this."""
        return _plain(text) in {_plain(item.text) for item in self.items}

    def without(self, ids: Iterable[str]) -> "Manifest":
        """Return the manifest without the items that were superseded."""
        gone = frozenset(ids)
        return self.model_copy(
            update={
                name: tuple(item for item in getattr(self, name) if item.id not in gone)
                for name in ("facts", "decisions", "questions")
            }
        )

    def with_fact(self, text: str, source: str, *, key: bool = False) -> "Manifest":
        """Return the manifest with another fact; one that it knows is not added again."""
        return self._with("facts", _FACT, text, source, key=key)

    def with_decision(self, text: str, source: str) -> "Manifest":
        """Return the manifest with another decision."""
        return self._with("decisions", _DECISION, text, source)

    def with_question(self, text: str, source: str) -> "Manifest":
        """Return the manifest with another open question."""
        return self._with("questions", _QUESTION, text, source)

    def _with(
        self, kind: str, letter: str, text: str, source: str, *, key: bool = False
    ) -> "Manifest":
        if self.knows(text):
            return self
        number = self.given + 1
        item = Item(id=f"{letter}{number}", text=" ".join(text.split()), source=source, key=key)
        return self.model_copy(update={kind: (*getattr(self, kind), item), "given": number})

    def within(self, most: int) -> "Manifest":
        """Return the manifest in at most `most` bytes: the least needed items are left out.

        Plain facts go first, then questions, decisions, and last the facts that the goal depends
        on; the oldest of each first.
        """
        over = self.size - most
        gone: list[str] = []
        for item in self._least_needed():
            if over <= 0:
                break
            gone.append(item.id)
            over -= item.size
        if not gone and over <= 0:
            return self
        kept = self.without(gone)
        progress = self.progress if over <= 0 else _cut(self.progress, most)
        return kept.model_copy(update={"left_out": self.left_out + len(gone), "progress": progress})

    def _least_needed(self) -> Sequence[Item]:
        plain = [item for item in self.facts if not item.key]
        key = [item for item in self.facts if item.key]
        return [*plain, *self.questions, *self.decisions, *key]

    def lines(self) -> list[str]:
        """Return the manifest as a model reads it."""
        found: list[str] = []
        if self.progress:
            found.append(f"Where the work stands: {self.progress}")
        named = {
            "Facts": self.facts,
            "Decisions": self.decisions,
            "Open questions": self.questions,
        }
        for title, items in named.items():
            if items:
                found += [f"{title}:", *(item.line for item in items)]
        if self.left_out:
            found.append(f"({self.left_out} older items were left out; the record has them.)")
        return found


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _cut(text: str, most: int) -> str:
    return text.encode("utf-8", "surrogatepass")[:most].decode("utf-8", "ignore")
