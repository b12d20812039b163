"""What goes into a batch's activities and what comes out, one pair each."""

from decimal import Decimal
from typing import Any

from pydantic import Field

from domain.batch import BatchRequest, Counts, Document, DocumentState, Form
from domain.budget import NOTHING
from domain.contract import Contract
from domain.runs import Outcome


class ListRequest(Contract):
    """What is to be listed, for which logical run: started again, it has a list of its own."""

    request: BatchRequest
    lineage: str


class Listed(Contract):
    """The list as it was made, or why there is none."""

    refusal: str = ""
    answer_schema: dict[str, Any] = Field(default_factory=dict)
    counts: Counts = Counts()
    others: int = 0


class PageRequest(Contract):
    """The next documents in a state, behind a position."""

    run_id: str
    after: int
    most: int
    state: DocumentState = "listed"


class Page(Contract):
    """Documents: position and name; their fields only where they are to be reviewed."""

    documents: tuple[Document, ...] = ()


class OpenRequest(Contract):
    """Read a document of a batch.

    Attributes:
        inline: Bytes of its text that the task holds.
    """

    run_id: str
    directory: str
    position: int
    name: str
    inline: int


class Opened(Contract):
    """A document's task, or why it cannot be read; then that is kept already.

    Attributes:
        task: What its run is told: the beginning of the text, or all of it.
        reference: Where the whole text is kept.
    """

    task: str = ""
    reference: str = ""
    why_not: str = ""


class KeepRequest(Contract):
    """What a document's run came to."""

    run_id: str
    position: int
    reference: str
    form: Form
    min_confidence: float
    child: str
    outcome: Outcome
    answer: Any = None
    reason: str = ""
    tokens: int = 0
    cost_usd: Decimal = NOTHING


class Kept(Contract):
    """The state that the document is in now."""

    state: DocumentState


class CorrectionRequest(Contract):
    """What a person wrote in the place of fields; checked before it counts."""

    form: Form
    documents: tuple[Document, ...]
    changed: dict[str, Any]


class RuleRequest(Contract):
    """A person's, or nobody's, decision on the unsure fields of some documents."""

    run_id: str
    positions: tuple[int, ...]
    granted: bool
    changed: dict[str, Any] = Field(default_factory=dict)


class SummaryRequest(Contract):
    """Which batch is to be summed up."""

    run_id: str
    form: Form


class CountRequest(Contract):
    """Of which batch."""

    run_id: str
