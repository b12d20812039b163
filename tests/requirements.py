"""What the core promises: an id, the behaviour, and where it was promised.

Every test below `tests/workflows`, `tests/domain` and `tests/replay` names the promise it shows
with `pytest.mark.requirement`; an unknown id fails the collection, a promise without a test fails
`test_requirements.py`. The number in an id is the section of the design, C0 the issue itself.
"""

from typing import Final, NamedTuple


class Requirement(NamedTuple):
    """A behaviour, and its source."""

    behaviour: str
    source: str


REQUIREMENTS: Final[dict[str, Requirement]] = {}
