"""The table of runs whose histories are recorded; `cases_<noun>.py` fill it."""

from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path

from tests.workflows.stage import Handle, Stage

Case = Callable[[Stage], Awaitable[Handle]]
_CASES: dict[str, Case] = {}


def case(record: Case) -> Case:
    """Register a case under its function's name: `<workflow>_<case>`."""
    _CASES[record.__name__] = record
    return record


def cases() -> dict[str, Case]:
    """Return all cases by name."""
    for path in sorted(Path(__file__).parent.glob("cases_*.py")):
        import_module(f"tests.replay.{path.stem}")
    return _CASES
