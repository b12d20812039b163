"""What a door lets in: inputs as strict as their schema, and keys that stand for one run."""

import json
from typing import Any

from pydantic import ValidationError

from agents.registry import agents
from commands.kinds import OWNED, Kind, startable
from commands.refusals import UnfitInput
from domain.contract import Contract, digest, strict_json
from domain.door import MAX_KEY
from domain.run import MAX_TASK_BYTES, AgentRequest


def known(workflow: str) -> Kind:
    """Return what is called `workflow`.

    Raises:
        UnfitInput: Nothing is.
    """
    kind = startable().get(workflow)
    if kind is None:
        there = ", ".join(sorted(startable()))
        raise UnfitInput(
            f"there is no workflow {workflow[:100]!r}; there are {there}",
            {"workflow": f"expected one of {there}"},
        )
    return kind


def run_id(tenant: str, key: str) -> str:
    """Return the id of the run that a tenant's idempotency key stands for.

    Raises:
        UnfitInput: It cannot be a key.
    """
    if not key.strip() or len(key) > MAX_KEY or not key.isprintable():
        raise UnfitInput(
            f"the idempotency key has {len(key)} characters; expected 1 to {MAX_KEY} "
            "printable ones, and another for each thing that is wanted"
        )
    return f"run-{digest(tenant, key)}"


def request(kind: Kind, given: dict[str, Any]) -> Contract:
    """Return the workflow's request, held to exactly what its schema says.

    Raises:
        UnfitInput: It names a field that is unknown or not the caller's, has a wrong type, or
            could not be kept in a history.
    """
    if foreign := sorted(OWNED & given.keys()):
        fields = {f"input.{name}": "is not the caller's to set" for name in foreign}
        raise UnfitInput(f"input.{foreign[0]}: is not the caller's to set", fields)
    try:
        text = json.dumps(given)
        strict_json(text)
        asked = kind.request.model_validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        raise _unfit(kind, error) from None
    except (ValueError, TypeError, RecursionError) as error:
        raise UnfitInput(f"the input cannot be kept: {error}", {"input": str(error)}) from None
    if isinstance(asked, AgentRequest):
        _check_agent(asked)
    return asked


def _check_agent(asked: AgentRequest) -> None:
    """Refuse at the door what the run would refuse at its start."""
    if asked.agent not in agents():
        there = ", ".join(sorted(agents()))
        raise UnfitInput(
            f"there is no agent {asked.agent[:100]!r}; there are {there}",
            {"input.agent": f"expected one of {there}"},
        )
    size = len(asked.task.encode())
    if not asked.task.strip() or size > MAX_TASK_BYTES:
        told = f"it has {size:,} bytes, expected 1 to {MAX_TASK_BYTES:,} that say what to do"
        raise UnfitInput(f"the task cannot be worked on: {told}", {"input.task": told})
    missing = [name for name in agents()[asked.agent].inputs if not asked.data.get(name)]
    if missing:
        told = f"agent {asked.agent!r} needs {missing}; given: {sorted(asked.data)}"
        raise UnfitInput(f"input.data: {told}", {"input.data": told})


def _unfit(kind: Kind, error: ValidationError) -> UnfitInput:
    fields = {
        ".".join(["input", *map(str, each["loc"])]): each["msg"]
        for each in error.errors(include_url=False, include_input=False)
    }
    where, what = next(iter(fields.items()))
    message = f"{where}: {what} (the fields of {kind.name}: {', '.join(kind.fields)})"
    return UnfitInput(message, fields)
