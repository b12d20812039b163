"""A run's notes, and results that are cut to what was asked for."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from agents.toolkit import tool
from tests.fakes import Asked, Step, call, calls
from tests.workflows.long import SMALL, counting, trail_of
from tests.workflows.stage import Stage, activities_in, agent
from tests.workflows.world import reading


class Notes(BaseModel):
    """What must not be lost."""

    order: str | None = None
    open: list[Annotated[str, Field(max_length=20)]] = []


@pytest.mark.requirement("C5.1:working-memory")
async def test_notes_outlive_a_fold_and_are_shown_everywhere(stage: Stage) -> None:
    """No activity runs for one; status, page, prompt and result have it."""
    look = counting(5)

    def model(asked: Asked) -> Step:
        if len(asked.messages) == 1:
            return call("note", order="A-17", open=["who signs?"])
        return look(asked)

    await stage.play(agent(tools=[reading()], window=SMALL, memory_fields=Notes), model)
    handle = await stage.start()
    result = await stage.result(handle)

    wanted = {"order": "A-17", "open": ["who signs?"]}
    assert result.memory is not None
    assert result.memory.folds > 0
    assert result.memory.notes == wanted
    assert "- order: A-17" in stage.provider.asked[-1].messages[1].text
    assert "note" not in activities_in(await handle.fetch_history())
    status = await stage.status(handle)
    assert status.memory is not None
    assert status.memory.notes == wanted
    details = await handle.query("__temporal_workflow_metadata")
    assert "**Working memory**\n\n- order: `A-17`" in details.current_details
    assert (await trail_of(stage, handle)).breaks == []


@pytest.mark.requirement("C5.1:working-checked")
async def test_a_note_that_does_not_fit_changes_nothing(stage: Stage) -> None:
    """The model is told why, as of any call."""
    script: list[Step] = [
        calls(("note", {"order": "A-17"}), ("note", {"total": 5})),
        calls(("note", {"open": ["x" * 21]}), ("note", {})),
        call("note", order=None),
        "done",
    ]
    await stage.play(agent(memory_fields=Notes), script)

    result = await stage.run()

    said = stage.provider.asked[-1].results
    assert said[0] == '[noted] {"order": "A-17"}'
    assert all(told.startswith("refused: ") for told in said[1:4])
    assert result.memory is None


@pytest.mark.requirement("C5.1:select")
async def test_a_result_is_cut_to_what_was_asked_for_before_it_is_recorded(stage: Stage) -> None:
    """The history has the fields that were wanted; the whole can be read on."""

    class Order(BaseModel):
        id: str
        lines: list[dict[str, Any]]

    @tool(select=True, source="ours")
    async def find_order(order_id: str) -> Order:
        """Find an order.

        Args:
            order_id: Its number.
        """
        return Order(id=order_id, lines=[{"sku": "secret-sku", "cents": 5}] * 300)

    script: list[Step] = [
        call("find_order", order_id="A-17", select=["id", "total"]),
        call("find_order", order_id="A-17", select=["lines.cents"]),
        "done",
    ]
    await stage.play(agent(tools=[find_order]), script)
    handle = await stage.start()
    await stage.result(handle)

    first, second = stage.provider.asked[-1].results
    assert '{"id": "A-17"}\n[selected; it has no total; it has id, lines; the whole is in' in first
    assert second.count('"cents"') == 300
    history = await handle.fetch_history()
    assert "secret-sku" not in history.to_json()
    reference = first.rpartition('reference="')[2].partition('"')[0]
    stage.provider.script = [call("read_artifact", reference=reference), "done"]
    stage.provider.asked.clear()
    await stage.run()
    assert "secret-sku" in stage.provider.asked[-1].results[0]
