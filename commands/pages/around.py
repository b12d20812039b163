"""What all pages have, whatever the workflow: a picture of its time, runs below, the chain."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from commands.course import Event
from commands.heard import Heard
from commands.pages.curve import Curve
from commands.pages.lanes import Drawn
from commands.pages.timeline import Chain
from domain.run import Status


class Below(NamedTuple):
    """A run below another.

    Attributes:
        outcome: How it ended, or the state that it is in.
        link: Where its own page is; empty where there is none.
    """

    run_id: str
    agent: str
    outcome: str
    model: str = ""
    steps: int = 0
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    seconds: float = 0
    decisions: int = 0
    refused: int = 0
    link: str = ""
    closed_at: datetime | None = None


class OfRun(NamedTuple):
    """Something that kept a run below on course."""

    run_id: str
    event: Event


class Around(NamedTuple):
    """What stands around what a run came to.

    Attributes:
        kind: The workflow, as people call it.
        drawn: The picture of its time.
        curve: What it used against its budget, where its own turns do not tell.
        below: The runs below it, in the order in which they began.
        more: Runs below it that are not listed.
        course: What kept those on course.
        chain: What recomputing the hash chains came to; None where none was recomputed.
        unchecked: Chains of runs below that were not recomputed, since there are so many.
        said: What was sent to it, as the server recorded it.
        status: What it says of itself while it is under way; None where nobody answers for it.
        ui: Its page in the Temporal UI, where that is known.
    """

    kind: str = ""
    drawn: Drawn | None = None
    curve: Curve | None = None
    below: tuple[Below, ...] = ()
    more: int = 0
    course: tuple[OfRun, ...] = ()
    chain: Chain | None = None
    unchecked: int = 0
    said: Sequence[Heard] = ()
    status: Status | None = None
    started_at: datetime | None = None
    closed_at: datetime | None = None
    ui: str = ""
    stand_in: bool = False


ALONE: Final = Around()
"""Nothing around it: a page that is made of a result alone."""
