"""The drill agent's tools, one for each way in which an effect can be made safe."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from agents.delegation import delegate
from agents.drill.place import Place
from agents.toolkit import Proposal, ToolContext, tool

_SLOW_S = 120


@tool(effect="read", source="ours", kind="processing", timeout=_SLOW_S)
async def drill_look(item: str, context: ToolContext) -> str:
    """Look at an item.

    Args:
        item: Its name.
        context: The run's folder and the call's key.
    """
    place = Place(context.data["drill"])
    place.note("begin", tool="drill_look", item=item, key=context.key)
    await place.wait_at(item)
    return f"{item} is there"


@tool(effect="write", idempotent=True, kind="processing", timeout=_SLOW_S)
async def drill_pay(item: str, context: ToolContext) -> str:
    """Pay for an item: the service honours the idempotency key.

    Args:
        item: Its name.
        context: The run's folder and the call's key.
    """
    place = Place(context.data["drill"])
    place.note("begin", tool="drill_pay", item=item, key=context.key)
    place.effect_once(context.key, tool="drill_pay", item=item)
    await place.wait_at(item)
    return f"{item} is paid"


async def _act(name: str, item: str, context: ToolContext) -> None:
    """Take effect each time it is called, then be slow to say so."""
    place = Place(context.data["drill"])
    place.note("begin", tool=name, item=item, key=context.key)
    place.note("effect", tool=name, item=item, key=context.key)
    await place.wait_at(item)


@tool(effect="write", kind="processing", timeout=_SLOW_S)
async def drill_charge(item: str, context: ToolContext) -> str:
    """Charge for an item: nobody can tell afterwards whether it happened.

    Args:
        item: Its name.
        context: The run's folder and the call's key.
    """
    await _act("drill_charge", item, context)
    return f"{item} is charged"


async def _found(context: ToolContext) -> bool:
    place = Place(context.data["drill"])
    place.note("reconcile", key=context.key)
    return place.took_effect(context.key)


@tool(effect="write", reconcile=_found, kind="processing", timeout=_SLOW_S)
async def drill_transfer(item: str, context: ToolContext) -> str:
    """Transfer an item: whether it happened can be looked up by the key.

    Args:
        item: Its name.
        context: The run's folder and the call's key.
    """
    await _act("drill_transfer", item, context)
    return f"{item} is transferred"


def has_a_place(proposal: Proposal) -> str:
    """Let a wire pass that there is a place to note: what cannot be counted proves nothing."""
    folder = proposal.data.get("drill", "")
    return "" if folder and Path(folder).is_dir() else f"there is no drill at {folder!r}"


@tool(effect="irreversible", kind="processing", timeout=_SLOW_S, second_check=has_a_place)
async def drill_wire(item: str, context: ToolContext) -> str:
    """Wire money for an item: a person is asked first.

    Args:
        item: Its name.
        context: The run's folder and the call's key.
    """
    await _act("drill_wire", item, context)
    return f"{item} is wired"


class DrillTask(BaseModel):
    """A script for a run below."""

    item: str
    drill: str
    steps: list[Any]


drill_ask = delegate("drill", DrillTask, name="drill_ask", does="Run a script below.", share=0.2)
