"""Batches."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.replay.cases import case
from tests.workflows import batching
from tests.workflows.batching import folder, invoice
from tests.workflows.stage import Handle, Stage


@case
async def batch_happy(stage: Stage) -> Handle:
    """Documents of which two fail, and a synthesis of the rest."""
    hopeless = invoice("Dim", "1", "2026-01-01", "offline-model: no answer")
    documents = {
        "a.txt": invoice("Acme"),
        "b.txt": hopeless,
        "c.txt": b"\xff",
        "d.md": invoice("D"),
    }
    with TemporaryDirectory() as root:
        await batching.play(stage)
        handle = await batching.start(stage, folder(Path(root), documents), merge="synthesise")
        await stage.closed(handle)
    return handle


@case
async def batch_person(stage: Stage) -> Handle:
    """An unsure field: a correction that does not fit, and one that does."""
    with TemporaryDirectory() as root:
        await batching.play(stage)
        documents = folder(Path(root), {"a.txt": invoice("V", "about 2")})
        handle = await batching.start(stage, documents)
        await stage.asked(handle)
        await handle.signal("modify", {"arguments": {"a.txt": {"total": "two"}}})
        await stage.until(handle, lambda status: status.ignored)
        await handle.signal("modify", {"arguments": {"a.txt": {"total": 3}}})
        await stage.closed(handle)
    return handle


@case
async def batch_silence(stage: Stage) -> Handle:
    """An unsure field that nobody looks at in time."""
    with TemporaryDirectory() as root:
        await batching.play(stage)
        documents = folder(Path(root), {"a.txt": invoice("V", "about 2")})
        handle = await batching.start(stage, documents, answer_within_s=1)
        await stage.closed(handle)
    return handle


@case
async def batch_rejected(stage: Stage) -> Handle:
    """A batch of a folder that is not there."""
    await batching.play(stage)
    return await batching.start(stage, "/nowhere")


@case
async def batch_limit(stage: Stage) -> Handle:
    """A batch whose budget has no room for all documents."""
    documents: dict[str, str | bytes] = {f"{n}.txt": invoice(f"S {n}") for n in range(4)}
    with TemporaryDirectory() as root:
        await batching.play(stage)
        handle = await batching.start(
            stage,
            folder(Path(root), documents),
            parallel=2,
            tokens=20_050,
            limits={"tokens": 20_000},
        )
        await stage.closed(handle)
    return handle


@case
async def batch_continued(stage: Stage) -> Handle:
    """The last part of a batch that continued as new, with a question in it."""
    documents: dict[str, str | bytes] = {f"{n:02d}.txt": invoice(f"S {n}") for n in range(16)}
    documents["v.txt"] = invoice("V", "about 2")
    with TemporaryDirectory() as root:
        await batching.play(stage)
        handle = await batching.start(stage, folder(Path(root), documents), parallel=3)
        await stage.asked(handle)
        latest = stage.client.get_workflow_handle(handle.id)
        await latest.signal("approve")
        await stage.closed(latest)
    return latest
