"""What a synthesis is where the batch does not ask for a form of its own."""

from pydantic import Field

from domain.contract import Strict


class Statement(Strict):
    """Something that rows say."""

    text: str = Field(min_length=1)
    documents: tuple[str, ...] = Field(description="Names of the documents it rests on.")


class Synthesis(Strict):
    """What the rows come to together."""

    summary: str = Field(min_length=1, description="Two or three sentences.")
    statements: tuple[Statement, ...] = ()
