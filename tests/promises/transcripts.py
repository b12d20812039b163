"""What is promised of transcripts that several workers read."""

from typing import Final

from tests.promises import Requirement

PROMISES: Final[dict[str, Requirement]] = {
    "C5.5:shared-transcripts": Requirement(
        "Where models or tools have workers of their own, a message still crosses once.",
        "The transcript crosses once",
    ),
}
