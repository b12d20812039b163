"""Recorded histories of every workflow, as the pages and the audit log read them."""

from pathlib import Path

from temporalio.contrib.pydantic import pydantic_data_converter

from commands import history
from commands.history import Leg

FOLDER = Path(__file__).parent.parent / "replay"
CONVERTER = pydantic_data_converter
EVERY = sorted(
    str(path.relative_to(FOLDER))
    for path in FOLDER.glob("*/*.json")
    if path.parent.name != "broken"
)


def legs(name: str) -> list[Leg]:
    """Return a recorded run's only execution."""
    return history.from_file(FOLDER / name)
