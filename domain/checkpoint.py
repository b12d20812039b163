"""What was found where one phase of a run ends and the next begins, of one agent or of several."""

from datetime import datetime
from typing import Literal

from domain.contract import Contract


class Checkpoint(Contract):
    """What was found when a phase had ended.

    Attributes:
        wrong: What did not hold, one sentence each.
        way: `coherent`, or what followed: `retry` by whoever did it (in an orchestrated run the
            tasks it is about, as a person chose; else the model, which was told), `skip` to go
            on without, as a person chose. `unasked` where nobody is asked.
        again: Ids of the tasks that were done again.
    """

    phase: str
    wrong: tuple[str, ...] = ()
    way: Literal["coherent", "retry", "skip", "unasked"]
    again: tuple[str, ...] = ()
    at: datetime
