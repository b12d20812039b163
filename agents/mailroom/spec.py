"""The mail room: reads what strangers wrote, so what it sends a person has seen."""

from pydantic import BaseModel, Field

from agents.delegation import delegate
from agents.mailroom.tools import count_letters, letter_fields, read_letter, send_mail
from agents.toolkit import Agent, prompt
from domain.guard import ArgumentRule, GuardPolicy

_ONE_ADDRESS = r"[^\s@<>,;]{1,64}@[^\s@<>,;]{1,200}"


class Letter(BaseModel):
    """Which letter is to be read."""

    name: str = Field(min_length=1, max_length=100)


AGENT = Agent(
    name="mailroom",
    description="Reads a stranger's letter, says what it wants, and may answer by mail.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[
        read_letter,
        letter_fields,
        count_letters,
        send_mail,
        delegate("mailroom_reader", Letter, does="Reads a letter and tells what it says."),
    ],
    inputs=["letters"],
    guards=GuardPolicy(
        injection="withhold",
        arguments=(
            ArgumentRule(tool="send_mail", argument="to", pattern=_ONE_ADDRESS),
            ArgumentRule(tool="send_mail", argument="subject", longest=200),
        ),
    ),
)
