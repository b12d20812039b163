"""Tables of what is promised, one file a part of the project: an id, the behaviour, the source."""

from typing import NamedTuple


class Requirement(NamedTuple):
    """A behaviour, and the heading under which it was promised."""

    behaviour: str
    source: str
