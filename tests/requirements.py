"""What is promised: an id, the behaviour, and where it was promised.

Every test below the folders in `CORE` names the promise that it shows with
`pytest.mark.requirement`. An unknown id fails the collection; a promise without a test fails
`tests/test_requirements.py`. An id begins with the section of the design, or of the part's page.
"""

from importlib import import_module
from pathlib import Path
from typing import Final

from tests.promises import Requirement

CORE: Final = ("workflows", "domain", "replay")


def _all() -> dict[str, Requirement]:
    """Return the tables of `tests/promises/` as one.

    Raises:
        ValueError: Two tables have the same id.
    """
    found: dict[str, Requirement] = {}
    for path in sorted((Path(__file__).parent / "promises").glob("[a-z]*.py")):
        table: dict[str, Requirement] = import_module(f"tests.promises.{path.stem}").PROMISES
        if twice := found.keys() & table.keys():
            raise ValueError(f"tests/promises/{path.name} promises {sorted(twice)} once more")
        found |= table
    return found


REQUIREMENTS: Final = _all()
