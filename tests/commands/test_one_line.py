"""Errors are one line, and that line says something."""

import pytest
from pydantic import ValidationError

from commands.errors import one_line
from domain.run import AgentRequest


def test_an_input_that_does_not_convert_names_its_field() -> None:
    """Pydantic's first line counts its complaints; ours names the field and what it wants."""
    with pytest.raises(ValidationError) as caught:
        AgentRequest.model_validate({"agent": 5})

    assert "agent Input should be a valid string" in one_line(str(caught.value))


def test_other_texts_are_cut_to_their_first_line() -> None:
    """A traceback or a page of explanation is not shown."""
    assert one_line("\n  disk full\nTraceback …") == "disk full"
