"""How a tool's errors are put into words: bounded, and as a history can record them."""

from pydantic import ValidationError

from activities.providers.base import sound
from agents.toolkit import Tool
from domain.acting import ActRequest

MAX_ERROR = 2_000


def named(error: BaseException) -> str:
    """Return an error's type and text."""
    return f"{type(error).__name__}: {words(error)}"


def words(error: BaseException) -> str:
    """Return an error's text as a history can record it."""
    return sound(str(error)[:MAX_ERROR])


def changed(tool: Tool, request: ActRequest) -> str:
    """Say that a tool is no longer the one that a run was started with."""
    return (
        f"tool {tool.spec.name!r} has schema {tool.spec.schema_hash} here and the run was started "
        f"with {request.schema_hash}: deploy the version that the run knows, then retry"
    )


def invalid(error: ValidationError) -> str:
    """Say what is wrong with arguments, the first few things of it."""
    parts = [
        f"{'.'.join(map(str, item['loc'])) or 'arguments'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)[:5]
    ]
    return "; ".join(parts)[:MAX_ERROR]
