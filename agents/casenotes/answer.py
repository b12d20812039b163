"""What is read from a case note."""

from typing import Literal

from pydantic import BaseModel, Field


class CaseNote(BaseModel):
    """One note, for whoever has to act on it.

    Attributes:
        about: One sentence, without the patient's name.
        urgency: When somebody has to act.
    """

    about: str = Field(min_length=1, max_length=300)
    urgency: Literal["routine", "soon", "now"]
