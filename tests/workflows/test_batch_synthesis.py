"""One answer over the rows of a batch: it rests on rows that were read, of that batch alone."""

import json
from pathlib import Path

import pytest

from agents.merge.tools import batch_rows
from agents.toolkit import ToolContext, ToolError
from tests.fakes import Asked, Say, Step
from tests.workflows.batching import finished, folder, invoice, play, start
from tests.workflows.stage import Stage


@pytest.mark.requirement("C4.4:synthesis")
async def test_rows_of_another_tenant_are_not_read(stage: Stage, tmp_path: Path) -> None:
    """Whoever starts the merging agent by itself can name a batch, and gets their own only."""
    await play(stage)
    batch = await start(stage, folder(tmp_path, {"a.txt": invoice("Acme")}))
    await finished(stage, batch)

    async def told(tenant: str) -> str:
        context = ToolContext("run", tenant, "key", {"batch": batch.id}, database=_url(stage))
        try:
            return await batch_rows(context, {})
        except ToolError as error:
            return str(error)

    assert "Acme" in await told("default")
    assert "not this tenant's" in await told("other")


@pytest.mark.requirement("C4.4:synthesis")
async def test_a_synthesis_is_its_tenants(stage: Stage, tmp_path: Path) -> None:
    """The run that makes it is told whose it is, so it may read the rows of its own batch."""
    await play(stage)
    root = folder(tmp_path, {"a.txt": invoice("Acme")})

    result = await finished(stage, await start(stage, root, merge="synthesise", tenant="acme"))

    assert result.answer["statements"][0]["documents"] == ["a.txt"]


def _url(stage: Stage) -> str:
    return stage.database.url.render_as_string(hide_password=False)


@pytest.mark.requirement("C4.4:synthesis")
async def test_a_synthesis_names_rows_that_it_has_read(stage: Stage, tmp_path: Path) -> None:
    """Statements over invented documents go back; what is accepted names documents of the batch."""
    root = folder(tmp_path, {"a.txt": invoice("Acme"), "b.txt": invoice("Bolt")})
    invented = {"summary": "All is well.", "statements": [{"text": "x", "documents": ["c.txt"]}]}
    lies = [True]

    def lie(asked: Asked, step: Step) -> Step:
        if asked.agent == "merge" and asked.results and lies:
            lies.pop()
            return Say(json.dumps(invented))
        return step

    await play(stage, lie)
    result = await finished(stage, await start(stage, root, merge="synthesise"))

    assert not lies
    assert result.outcome == "completed"
    assert "was read" in stage.provider.asked[-1].said
    named = {name for each in result.answer["statements"] for name in each["documents"]}
    assert named == {"a.txt", "b.txt"}
