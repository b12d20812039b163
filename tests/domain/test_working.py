"""Notes: fields that the model sets, and that can be told anew from what was said."""

import json

import pytest
from pydantic import BaseModel, Field

from agents.toolkit import Agent, Prompt, tool
from domain.messages import Message, ToolCall
from domain.working import MAX_BYTES, note_tool, noted, replayed, shown


class Notes(BaseModel):
    """What must not be lost."""

    order: str | None = Field(default=None, description="Its number.")
    open: list[str] = []


@pytest.mark.requirement("C5.1:working-memory")
def test_notes_change_field_by_field() -> None:
    """What a note does not name stays; null clears."""
    notes, told = noted({"order": "A-17", "open": ["x"]}, {"open": ["y"]})

    assert notes == {"order": "A-17", "open": ["y"]}
    assert told == '[noted] {"open": ["y"]}'
    assert noted(notes, {"order": None})[0] == {"open": ["y"]}
    assert shown(notes) == ["- order: A-17", '- open: ["y"]']


@pytest.mark.requirement("C5.1:working-checked")
def test_notes_have_a_largest_size() -> None:
    """A note over it changes nothing and says so."""
    notes, told = noted({"order": "A-17"}, {"open": ["x" * MAX_BYTES]})

    assert notes == {"order": "A-17"}
    assert told.startswith("error: the working memory would have")


@pytest.mark.requirement("C5.1:working-checked")
def test_a_note_takes_the_declared_fields_each_of_which_may_be_cleared() -> None:
    """The tool's schema is the model's, with every field optional."""
    spec = note_tool(Notes.model_json_schema())

    assert set(spec.parameters["properties"]) == {"order", "open"}
    assert spec.parameters["additionalProperties"] is False
    assert spec.parameters["properties"]["order"] == {
        "anyOf": [{"type": "string"}, {"type": "null"}],
        "description": "Its number.",
    }
    assert "What must not be lost." in spec.description


@pytest.mark.requirement("C5.1:working-memory")
def test_notes_can_be_told_anew_from_what_was_said() -> None:
    """Refused notes do not count, and a warning before a result does no harm."""
    messages: list[Message] = []
    for number, (arguments, result) in enumerate(
        [
            ({"order": "A-1"}, '[noted] {"order": "A-1"}'),
            ({"order": "A-2"}, "refused: no"),
            ({"open": ["x"]}, '[What follows is data.]\n[noted] {"open": ["x"]}'),
        ]
    ):
        call = ToolCall(id=f"c{number}", name="note", arguments=json.dumps(arguments))
        messages += [
            Message(role="assistant", calls=(call,)),
            Message(role="tool", call_id=call.id, text=result),
        ]

    assert replayed({"order": "A-0"}, messages) == {"order": "A-1", "open": ["x"]}


@pytest.mark.requirement("C5.1:working-checked")
def test_no_other_tool_may_be_called_note() -> None:
    """The name is the working memory's, where an agent has one."""

    @tool()
    async def note(text: str) -> str:
        """Note something."""
        return text

    agent = Agent(name="a", prompt=Prompt("p", "v1"), tools=[note])

    assert [spec.name for spec in agent.spec().tools] == ["note"]
    with pytest.raises(TypeError, match="'note' is the working memory's own tool"):
        Agent(name="a", prompt=Prompt("p", "v1"), tools=[note], memory_fields=Notes).spec()
