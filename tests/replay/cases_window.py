"""Runs that are longer than their window, and one that takes notes."""

from pydantic import BaseModel

from domain.window import WindowPolicy
from tests.fakes import Asked, Say, Step, call
from tests.replay.cases import case
from tests.workflows.long import SMALL, counting, update
from tests.workflows.stage import Handle, Stage, agent
from tests.workflows.world import reading


class Notes(BaseModel):
    """What must not be lost."""

    order: str | None = None


@case
async def agent_folded(stage: Stage) -> Handle:
    """A note, and folds whose summaries are kept, refused once, and written by rules."""
    look = counting(6, _summaries)

    def model(asked: Asked) -> Step:
        return call("note", order="A-17") if len(asked.messages) == 1 else look(asked)

    await stage.play(agent(tools=[reading()], window=SMALL, memory_fields=Notes), model)
    return await stage.start()


def _summaries(asked: Asked) -> Step:
    if "value of 0" in asked.said:
        return update(asked, "value of 0" if "was refused" in asked.said else "value of 77")
    return Say("no summary") if "value of 4" in asked.said else update(asked, progress="on")


@case
async def agent_folded_continued(stage: Stage) -> Handle:
    """The last part of a folded run that continued as new."""
    await stage.play(agent(tools=[reading()], window=SMALL), counting(14))
    return await stage.start()


@case
async def agent_squeezed(stage: Stage) -> Handle:
    """A result that alone is over the window."""
    tight = WindowPolicy(messages=0, tokens=3_000, keep=2, manifest_bytes=500)
    huge = reading({"big": "word " * 3_000})
    await stage.play(agent(tools=[huge], window=tight), [call("lookup", key="big"), "done"])
    return await stage.start()
