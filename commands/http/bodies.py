"""What a request brings: bodies, paths, headers and queries, each with what is said of it."""

from typing import Annotated, Any, Literal

from fastapi import Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from domain.approval import MAX_REASON
from domain.door import MAX_KEY

ID = r"^[^\x00-\x1f\x7f]+$"
PLAIN = r"^[^\x00-\x1f\x7f]*$"  # goes into a query of the server's lists

RunId = Annotated[
    str,
    Path(
        max_length=500,
        pattern=ID,
        description="The run. A run below another has a `/` in its id; send it as it is.",
        examples=["run-0f4c1e7a2b9d4c6e8a1f3b5d7c9e0a2b"],
    ),
]
ApprovalId = Annotated[
    str,
    Path(
        max_length=100,
        pattern=ID,
        description="The open question's `id`: an answer to another one does not count.",
    ),
]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=MAX_KEY,
        description="Stands for this one start, for your tenant: the same key again, today or "
        "next year, is the same run. Make one for each thing that is wanted, for example a UUID.",
        examples=["order-4711"],
    ),
]
Wait = Annotated[
    float,
    Query(ge=0, le=60, description="Seconds to wait for the end of a run that is under way."),
]
LastEventId = Annotated[
    str,
    Header(
        alias="Last-Event-ID",
        max_length=100,
        description="The `id` of the last event that you have; empty: from the run's start.",
    ),
]


class Body(BaseModel):
    """What a request brings: nothing that is not named, and nothing converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class StartRun(Body):
    """Which workflow, and its input. Whose run it is and who asked for it is in the token."""

    workflow: str = Field(max_length=100, description="One of `GET /v1/workflows`.")
    input: dict[str, Any] = Field(
        default={}, description="What the workflow's schema says; unknown fields are refused."
    )


class Answer(Body):
    """An answer to an open question. Who gives it is in the token, never here."""

    verdict: Literal["approve", "reject", "modify"] = Field(
        description="`modify`: yes, with other arguments; they are checked as the model's are."
    )
    reason: str = Field(default="", max_length=MAX_REASON, description="Kept with the decision.")
    arguments: dict[str, Any] | None = Field(
        default=None, description="With `modify`: what shall run instead."
    )


class Onward(Body):
    """How a stopped run goes on."""

    verdict: Literal["retry", "skip", "abort"] = Field(
        description="`retry`: once the cause is mended; `skip`: without the step, where that is "
        "possible; `abort`: end the run and undo what can be undone."
    )
    reason: str = Field(default="", max_length=MAX_REASON)
