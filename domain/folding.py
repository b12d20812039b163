"""What leaves a conversation when it is folded, and what is left of it in the run's state."""

from typing import Any, Literal

from pydantic import Field

from domain.contract import Contract
from domain.manifest import Manifest
from domain.messages import Message

By = Literal["model", "mended", "rules"]
MARK = "[Memory of this run, written by the run itself."


class Fold(Contract):
    """One fold.

    Attributes:
        turn: Model calls that the run had made before it.
        record: Reference of the artifact that holds the window as it was: a `Past`.
        by: Who wrote the summary: a model; a model, with what broke the rules left out; rules.
        messages: How many were folded.
    """

    turn: int
    record: str
    by: By
    messages: int = 0


class Window(Contract):
    """What a run knows of the part of its conversation that is not in `messages` any more.

    Attributes:
        manifest: What was kept of it; None: nothing was folded yet.
        pinned: Messages at the beginning that never leave; the manifest's is the next one.
        gone: Messages that were folded.
        calls: Results of tools among them.
        notes: The working memory as it was at the first message that stayed.
        rate: Tokens a byte, as a provider counted them last; 0 where none has.
    """

    manifest: Manifest | None = None
    pinned: int = 0
    gone: int = 0
    calls: int = 0
    notes: dict[str, Any] = Field(default_factory=dict)
    rate: float = 0
    folds: tuple[Fold, ...] = ()

    @property
    def start(self) -> int:
        """Index of the first message that may be folded."""
        return self.pinned + (self.manifest is not None)

    @property
    def record(self) -> str:
        """The last record; each one names the one before it."""
        return self.folds[-1].record if self.folds else ""

    def number(self, index: int) -> int:
        """Return the number in the run, from 1, of the message at `index`."""
        return index + 1 + self.gone - (self.manifest is not None)

    def record_of(self, turn: int) -> str:
        """Return the record that holds the conversation after `turn`; empty: the state does."""
        return next((fold.record for fold in self.folds if fold.turn > turn), "")


class Remembered(Contract):
    """What a run has of its own, beside the messages that its model is shown.

    Attributes:
        notes: The working memory.
        manifest: What is kept of the turns that were folded away.
        folds: How often turns were folded.
        messages: How many messages that were.
        record: The last window as it was before; it names the one before it.
    """

    notes: dict[str, Any] = Field(default_factory=dict)
    manifest: Manifest | None = None
    folds: int = 0
    messages: int = 0
    record: str = ""


class Past(Contract):
    """A window as it was before a fold, kept as an artifact.

    Attributes:
        previous: Reference of the record before it; empty for the first.
        turn: Model calls that the run had made.
        first: Index of the first turn in `ends`.
        ends: Messages there were after each turn's reply, counted in `messages`.
        window: The window's state before the fold.
        notes: The working memory before the fold.
        start: Index of the first message that was folded.
        cut: Index of the first message that stayed.
        calls: How many folded calls the state held.
    """

    previous: str = ""
    turn: int
    first: int = 0
    ends: tuple[int, ...] = ()
    start: int = 0
    cut: int = 0
    calls: int = 0
    messages: tuple[Message, ...] = ()
    window: Window = Window()
    notes: dict[str, Any] = Field(default_factory=dict)


class Standing(Contract):
    """What code puts beside a manifest: what must not depend on a model's summary.

    Attributes:
        decided: What people decided, a line each.
        written: Writes that were made, a line each.
        plan: The run's plan.
        notes: The working memory.
    """

    decided: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    plan: tuple[str, ...] = ()
    notes: dict[str, Any] = Field(default_factory=dict)


class FoldRequest(Contract):
    """Judge a summary, and keep what it replaces. Not recorded: a local activity's input.

    Attributes:
        said: What the model wrote.
        past: What would be folded, and the rest of the window.
        manifest_bytes: As the policy has it.
        last: There is no other try: what breaks the rules is left out.
    """

    agent: str
    goal: str
    said: str
    past: Past
    manifest_bytes: int
    last: bool = False


class Folded(Contract):
    """What came of a summary.

    Attributes:
        problems: Why it goes back to the model; nothing was kept then.
        manifest: What replaces the folded messages.
        record: Reference of what it replaces.
    """

    problems: tuple[str, ...] = ()
    manifest: Manifest | None = None
    record: str = ""
    by: By = "model"
