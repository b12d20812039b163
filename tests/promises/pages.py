"""What the pages promise of themselves."""

from typing import Final

from tests.promises import Requirement

PROMISES: Final[dict[str, Requirement]] = {
    "C6.9:readme": Requirement(
        "The agent that the README shows runs as it says, and asks before it pays.", "README.md"
    ),
}
