"""What a timer of a waiting run is called: for the Temporal UI, and for whoever reads its history.

Programs look for "waiting for a person" in it (`commands.telling`, `runtime.tracing.gates`).
"""

from typing import Final

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain import page

_MOST: Final = 80  # characters; the server takes 400 bytes


def asked(title: str) -> str:
    """Return the name of a wait for an answer."""
    return f"waiting for a person: {page.plain(title, _MOST)}"


def stopped(step: str) -> str:
    """Return the name of a wait at a step that could not be done."""
    return f"stopped at {page.plain(step, _MOST)}, waiting for a person"
