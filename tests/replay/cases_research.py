"""Researches."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.replay.cases import case
from tests.workflows import researching
from tests.workflows.stage import Handle, Stage
from tests.workflows.test_research import invent
from tests.workflows.test_research_failures import failing

_MORE = "# Topic {0}\n\nTopic {0} has an idempotency key of a write for each of its {0} parts.\n"


@case
async def research_happy(stage: Stage) -> Handle:
    """A plan, a search, a synthesis, a report; every claim verified."""
    return await _run(stage)


@case
async def research_invented(stage: Stage) -> Handle:
    """A draft with made-up claims, which are taken out."""
    return await _run(stage, invent)


@case
async def research_person(stage: Stage) -> Handle:
    """A specialist that fails, is tried again, fails, and a person who has it tried once more."""
    return await _run(stage, failing("researcher_synthesis", 2), ["approve"], attempts=2)


@case
async def research_left(stage: Stage) -> Handle:
    """A specialist that fails for good, and a person who goes on without it."""
    return await _run(stage, failing("researcher_synthesis"), ["reject"], attempts=1)


@case
async def research_rejected(stage: Stage) -> Handle:
    """A folder that is not there."""
    researching.equip(stage)
    await stage.play(researching.team(), researching.script())
    return await researching.start(stage, "nowhere")


@case
async def research_continued(stage: Stage) -> Handle:
    """The last part of a research that continued as new between slices of its verification."""
    return await _run(stage, invent, documents=14)


async def _run(
    stage: Stage,
    change: researching.Change | None = None,
    signals: Sequence[str] = (),
    documents: int = 0,
    **request: Any,
) -> Handle:
    with TemporaryDirectory() as place:
        more = {f"topic-{number}.md": _MORE.format(number) for number in range(2, documents + 2)}
        folder = researching.folder(Path(place) / "documents", **more)
        researching.equip(stage)
        await stage.play(researching.team(), researching.script(change))
        handle = await researching.start(stage, folder, **request)
        for signal in signals:
            await stage.asked(handle)
            await handle.signal(signal)
        await stage.closed(handle)
    return handle
