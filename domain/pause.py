"""A pause: until when a provider, or a tool, asked all of us to leave it alone."""

from datetime import datetime

from domain.contract import Contract


class Pause(Contract):
    """One of them.

    Attributes:
        name: What is paused, as `llm.openai` or `tool.search`.
        until: When it may be asked again.
        reason: What it said.
        at: When it said so.
    """

    name: str
    until: datetime
    reason: str
    at: datetime
