"""Folders of small documents, and a model that reads them by the offline rules."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from activities.batch import BatchActivities
from agents import offline as rules
from agents.extract import offline as extracting
from agents.extract.form import answer_schema, problems
from agents.merge import offline as merging
from agents.merge.answer import Synthesis
from agents.registry import agents
from domain.batch import BatchResult, Document
from domain.messages import ToolCall
from domain.taint import unmarked
from runtime.artifacts import Artifacts
from runtime.batches import Batches
from runtime.serving import activities_of
from tests.fakes import Asked, Say, Step, calls
from tests.workflows.stage import PATIENCE_S, Handle, Stage

FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "supplier": {"type": "string"},
        "total": {"type": "number"},
        "issued": {"type": "string", "format": "date"},
    },
    "required": ["supplier", "total"],
}
AGENTS = [agents()["extract"], agents()["merge"]]
_WANTS = {"extract": answer_schema(FORM), "merge": Synthesis.model_json_schema()}
_OFFLINE = {"extract": extracting.reply, "merge": merging.reply}


def invoice(supplier: str, total: str = "10.50", issued: str = "2026-03-01", *more: str) -> str:
    """Return a document that says what `FORM` asks for, and `more`."""
    lines = [f"Supplier: {supplier}", f"Total: {total}", f"Issued: {issued}", *more]
    return "\n".join(lines) + "\n"


def folder(root: Path, documents: dict[str, str | bytes]) -> Path:
    """Write documents by their names."""
    for name, content in documents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def reader(change: Callable[[Asked, Step], Step] | None = None) -> Callable[[Asked], Step]:
    """Return a model that follows the offline rules; `change` alters what it says."""

    def script(asked: Asked) -> Step:
        said = _OFFLINE[asked.agent](_conversation(asked))
        step: Step = Say(said.text)
        if said.calls:
            step = calls(*((each.name, _object(each.arguments)) for each in said.calls))
        return change(asked, step) if change else step

    return script


def _object(arguments: Any) -> dict[str, Any]:
    return json.loads(arguments) if isinstance(arguments, str) else dict(arguments)


def _conversation(asked: Asked) -> rules.Conversation:
    results: list[rules.Result] = []
    named: dict[str, ToolCall] = {}
    for message in asked.messages:
        named |= {call.id: call for call in message.calls}
        if message.role == "tool":
            made = named[message.call_id]
            results.append(
                rules.Result(made.name, json.loads(made.arguments), unmarked(message.text))
            )
    return rules.Conversation(
        task=asked.messages[0].text,
        results=results,
        messages=[rules.Said(message.role, message.text) for message in asked.messages],
        wants=_WANTS[asked.agent],
    )


async def play(stage: Stage, change: Callable[[Asked, Step], Step] | None = None) -> None:
    """Serve the batch's agents and its own steps."""
    stage.more = activities_of(BatchActivities(Batches(stage.database), Artifacts(stage.database)))
    await stage.play(AGENTS, reader(change))


def run_id(stage: Stage, name: str = "batch") -> str:
    """Return the id of a test's batch."""
    return f"{name}-{stage.queue[-12:]}"


async def start(stage: Stage, root: Path | str, name: str = "batch", **request: Any) -> Handle:
    """Start a batch with plain JSON."""
    return await stage.client.start_workflow(
        "BatchWorkflow",
        {"directory": str(root), "form": FORM} | request,
        id=run_id(stage, name),
        task_queue=stage.queue,
    )


async def finished(stage: Stage, handle: Handle) -> BatchResult:
    """Wait for a batch's end and return its result; its history is sound."""
    await stage.closed(handle)
    typed = stage.client.get_workflow_handle(handle.id, result_type=BatchResult)
    return await asyncio.wait_for(typed.result(), PATIENCE_S)


async def rows(stage: Stage, handle: Handle) -> dict[str, Document]:
    """Return the documents of a batch as the database has them, by name."""
    found = await Batches(stage.database).page(handle.id, most=10_000)
    return {document.name: document for document in found}


def values(document: Document) -> dict[str, Any]:
    """Return a document's row."""
    return {name: found.value for name, found in document.fields.items()}


def fits(schema: dict[str, Any], value: Any) -> list[str]:
    """Return what is wrong with `value` by a schema that is checked itself."""
    Draft202012Validator.check_schema(schema)
    return problems(schema, value)
