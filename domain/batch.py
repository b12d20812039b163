"""A batch: the same fields out of every document of a folder, each with what it rests on.

The list of the documents and what was found in them are in the database, not in the workflow: it
knows numbers only, so a batch of ten thousand has the history of a batch of fifty.
"""

from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from domain.budget import NOTHING
from domain.contract import Contract
from domain.runs import RunRequest, RunResult, RunState

DocumentState = Literal["listed", "done", "unsure", "failed"]
Standing = Literal["stands", "unsure", "approved", "corrected", "emptied"]
Form = dict[str, Any]
"""JSON Schema (2020-12) of the fields that are wanted of each document: an object."""

MOST_NAMED = 100  # failures that a result names; the database has them all


class BatchState(RunState):
    """What a batch remembers: numbers, and how far it has come.

    Attributes:
        listed: The documents are in the database.
        others: Files of other kinds, which were left alone.
        reused: Documents that an earlier batch had finished.
        answer_schema: What each document's run answers in.
        cursor: Every document up to this position has been looked at.
        seen: Every unsure document up to this position has been put before a person.
        merging: Nothing is left but the questions and the merge.
        nobody: A question was not answered in time, so the next ones are not asked.
    """

    listed: bool = False
    documents: int = 0
    others: int = 0
    reused: int = 0
    done: int = 0
    failed: int = 0
    unsure: int = 0
    answer_schema: dict[str, Any] = Field(default_factory=dict)
    cursor: int = 0
    seen: int = 0
    merging: bool = False
    nobody: bool = False


class BatchRequest(RunRequest):
    """Starts a batch. Every field has a default, so that `{}` is a refusal and not a crash.

    Attributes:
        directory: Folder of the documents, as the worker sees it.
        form: The fields of each document.
        merge: `table`: rows and a typed summary of each field, by code; `synthesise`: an answer
            over them by one more run besides.
        into: JSON Schema of the synthesised answer; None for the agent's own.
        min_confidence: A field that the model is less sure of passes a person.
        parallel: Documents that are looked at at once.
        review_page: Documents that one question puts before a person, at most.
        answer_within_s: So long a question waits; then all fields that are unsure stay empty.
        patience_s: A document whose run stands still for so long is given up.
        resumes: The batch whose list is taken over, with what it finished.
        state: Set by continue-as-new.
    """

    directory: str = ""
    form: Form = Field(default_factory=dict)
    merge: Literal["table", "synthesise"] = "table"
    into: Form | None = None
    min_confidence: float = Field(default=0.7, ge=0, le=1)
    parallel: int = Field(default=50, ge=1, le=100)
    review_page: int = Field(default=10, ge=1, le=50)
    answer_within_s: float = Field(default=3 * 86_400.0, gt=0)
    patience_s: float = Field(default=3600, gt=0)
    tokens: int = Field(default=1_000_000_000, ge=1)
    resumes: str = ""
    state: BatchState | None = None


class Found(Contract):
    """A field's value in one document.

    Attributes:
        value: As the form has it; None where the document does not say.
        confidence: From 0 to 1, the model's own.
        quote: The document's words that it rests on.
        quoted: Whether the document has these words.
        standing: Whether it counts, and why.
        was: The model's value, where a person changed it.
    """

    value: Any = None
    confidence: float = 0
    quote: str = ""
    quoted: bool = True
    standing: Standing = "stands"
    was: Any = None


class Document(Contract):
    """A document of a batch.

    Attributes:
        position: Its place in the list, from 1.
        name: Its path below the batch's folder.
        run_id: The run that looked at it.
    """

    position: int
    name: str
    state: DocumentState = "listed"
    reason: str = ""
    fields: dict[str, Found] = Field(default_factory=dict[str, Found])
    run_id: str = ""
    tokens: int = 0
    cost_usd: Decimal = NOTHING

    @property
    def unsure(self) -> dict[str, Found]:
        """The fields that a person has to look at."""
        return {name: found for name, found in self.fields.items() if found.standing == "unsure"}


class Counts(Contract):
    """How many documents of a batch are in each state."""

    listed: int = 0
    done: int = 0
    unsure: int = 0
    failed: int = 0


class FieldSummary(Contract):
    """What one field came to over all documents.

    Attributes:
        kind: Decides which of the figures there are.
        filled: Documents that have a value for it.
        empty: Documents that have none.
        total: Sum of a number, exact.
        values: The most frequent values with how often they occur.
        distinct: How many different values there are.
        items: Entries of all lists together.
    """

    name: str
    kind: Literal["number", "text", "date", "boolean", "list", "object"]
    filled: int = 0
    empty: int = 0
    total: Decimal | None = None
    least: Decimal | str | None = None
    most: Decimal | str | None = None
    mean: Decimal | None = None
    values: dict[str, int] = Field(default_factory=dict)
    distinct: int = 0
    items: int = 0


class Failure(Contract):
    """A document that nothing came of, and why."""

    document: str
    reason: str


class Summary(Contract):
    """What all documents came to together, typed by the form.

    Attributes:
        rows: Documents that have a row.
        failures: The first of those that failed.
    """

    rows: int = 0
    fields: tuple[FieldSummary, ...] = ()
    failures: tuple[Failure, ...] = ()


class BatchResult(RunResult):
    """What a batch came to; the rows are in the database.

    Attributes:
        done: Documents with a row, `reused` among them.
        unsure: Documents that a person still has to look at.
        left: Documents that nobody has looked at.
        others: Files of other kinds, which were left alone.
        answer: What the synthesising run made of the rows.
    """

    documents: int = 0
    done: int = 0
    unsure: int = 0
    failed: int = 0
    left: int = 0
    reused: int = 0
    others: int = 0
    directory: str = ""
    resumes: str = ""
    summary: Summary | None = None
    answer: Any = None

    @property
    def whole(self) -> bool:
        """Whether every document has a row."""
        return super().whole and not self.failed and not self.left
