"""The gauge's tools: each can come to everything that a tool can."""

from collections import OrderedDict
from typing import Final

from agents.toolkit import Proposal, ToolContext, ToolError, ToolUnavailableError, tool

_MOST: Final = 10_000
# Calls that have failed once in this process; a worker's memory is all that they need.
_failed: OrderedDict[str, None] = OrderedDict()


@tool(effect="read", source="ours", breaker=None)
async def gauge_read(context: ToolContext, item: str) -> str:
    """Read an item: `flaky…` fails at first, `broken…` is refused, any other is there.

    Args:
        context: Of the call.
        item: Its name.
    """
    if item.startswith("broken"):
        raise ToolError(f"{item} cannot be read")
    if item.startswith("flaky") and context.key not in _failed:
        _failed[context.key] = None
        if len(_failed) > _MOST:
            _failed.popitem(last=False)
        raise ConnectionError(f"{item} is not there yet")
    return f"{item} is read"


@tool(effect="read", source="ours", breaker=None, fallback="stop")
async def gauge_stop(item: str) -> str:
    """Read an item of a service that is never there, so that an operator is wanted.

    Args:
        item: Its name.
    """
    raise ToolUnavailableError(f"{item} is away")


def is_named(proposal: Proposal) -> str:
    """Let pass what has a name."""
    return "" if proposal.arguments["item"] else "an item has a name"


@tool(effect="irreversible", idempotent=True, second_check=is_named)
async def gauge_sign(item: str) -> str:
    """Sign an item: a person is asked first.

    Args:
        item: Its name.
    """
    return f"{item} is signed"
