"""An agent as it is evaluated: what its tools answer, and what they do not do."""

from pathlib import Path
from typing import Any

import pytest

from agents.registry import agents
from agents.toolkit import ToolContext, ToolError, ToolUnavailableError
from commands.errors import CommandError
from commands.evals import lab
from commands.evals.cases import Inputs, Stub, request_of
from commands.evals.stubs import CASE, NOT_DONE, Changes, Meeting, Meetings, evaluation_of

MEETINGS = Meetings()
SERVED = evaluation_of(agents(), Changes("refunds", model="openai:other", prompt="New."), MEETINGS)


def met(*stubs: Stub, tool: str = "refund", sandboxed: bool = False) -> Meeting:
    """Return a meeting with stubs of a tool."""
    meeting = MEETINGS.by_case["case"] = Meeting({tool: list(stubs)}, sandboxed=sandboxed)
    return meeting


async def called(name: str, arguments: dict[str, Any], data: dict[str, str] | None = None) -> str:
    """Call a tool as an agent under evaluation has it."""
    tool = next(t for agent in SERVED.values() for t in agent.tools if t.spec.name == name)
    context = ToolContext("run", "t", "key", {CASE: "case", **(data or {})})
    return await tool(context, arguments)


@pytest.mark.requirement("C6.4:stubbed")
async def test_a_write_without_a_folder_of_its_own_is_told_done_and_is_not(tmp_path: Path) -> None:
    """Although its author allows it in a case's folder: the data names another place."""
    orders = tmp_path / "orders.csv"
    orders.write_text("order_id,item,paid_cents\nA-1,lamp,100\n")
    meeting = met()

    told = await called("refund", {"order_id": "A-1", "cents": 100}, {"orders": str(orders)})

    assert told == NOT_DONE
    assert not (tmp_path / "refunds.jsonl").exists()
    assert [(made.by, made.write) for made in meeting.made] == [("nobody", True)]


@pytest.mark.requirement("C6.4:stubbed")
async def test_a_write_in_the_cases_folder_runs(tmp_path: Path) -> None:
    """So that what looks at its effect finds it."""
    orders = tmp_path / "orders.csv"
    orders.write_text("order_id,item,paid_cents\nA-1,lamp,100\n")
    met(sandboxed=True)

    await called("refund", {"order_id": "A-1", "cents": 100}, {"orders": str(orders)})

    assert (tmp_path / "refunds.jsonl").exists()


async def test_a_stub_answers_for_its_arguments_and_so_often() -> None:
    """First the one that fits; a used up one no more; then the tool itself."""
    met(
        Stub(when={"order_id": "A-2"}, result="two"),
        Stub(error="gone", times=1),
        Stub(away="down", times=1),
        Stub(result={"cents": 5}),
        tool="find_order",
    )

    assert await called("find_order", {"order_id": "A-2"}) == "two"
    with pytest.raises(ToolError, match="gone"):
        await called("find_order", {"order_id": "A-1"})
    with pytest.raises(ToolUnavailableError, match="down"):
        await called("find_order", {"order_id": "A-1"})
    assert await called("find_order", {"order_id": "A-1"}) == '{"cents": 5}'


@pytest.mark.requirement("C6.4:stubbed")
async def test_a_call_that_failed_changed_nothing() -> None:
    """It is noted, and not as an effect."""
    meeting = met(Stub(error="refused"))

    with pytest.raises(ToolError):
        await called("refund", {"order_id": "A-1", "cents": 1})

    assert [made.write for made in meeting.made] == [False]


def test_an_agent_is_changed_and_the_others_are_not() -> None:
    """Its prompt and model; no queue of others', no kept reply, no breaker."""
    mine, other = SERVED["refunds"].spec(), SERVED["courier"].spec()

    assert (mine.route, mine.prompt_version) == (("openai:other",), "candidate")
    assert mine.system.endswith("New.") or "New.\n" in mine.system
    assert other.route != mine.route
    assert not any(tool.queue for tool in other.tools)
    assert SERVED["casenotes"].spec().cache_s == 0
    assert all(tool.breaker is None for tool in SERVED["courier"].tools if not tool.spec.agent)


@pytest.mark.requirement("C6.4:stubbed")
def test_data_that_leads_elsewhere_is_seen(tmp_path: Path) -> None:
    """Whether it is named outright, or by a way out of the folder."""
    own = tmp_path / "own"
    own.mkdir()

    assert lab.all_in(own, {"orders": str(own / "x.csv"), "note": "a word"})
    assert not lab.all_in(own, {"orders": str(tmp_path / "x.csv")})
    assert not lab.all_in(own, {"orders": str(own / ".." / "x.csv")})


@pytest.mark.requirement("C6.4:stubbed")
def test_a_cases_file_stays_in_its_folder(tmp_path: Path) -> None:
    """A name that leads out is refused."""
    with pytest.raises(CommandError, match="leads out"):
        lab.lay_out(tmp_path / "a", tmp_path / "none", Inputs(files={"../b": "x"}))


def test_a_case_knows_where_its_folder_is(tmp_path: Path) -> None:
    """`{files}` in its data; and a task that code makes of what is given."""
    plain = request_of("refunds", Inputs(task="t", data={"orders": "{files}/o.csv"}), tmp_path)
    given = {"document": "Total: 5", "form": {"total": {"type": "number"}}}
    made = request_of("extract", Inputs(given=given), tmp_path)

    assert plain == {"task": "t", "data": {"orders": f"{tmp_path}/o.csv"}}
    assert "Total: 5" in made["task"]
    with pytest.raises(CommandError, match=r"refunds/evaluating\.py"):
        request_of("refunds", Inputs(given={}), tmp_path)
