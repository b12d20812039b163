"""A run's events: all of them, live, and on from where a stream was cut."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from pydantic import BaseModel

from agents.delegation import delegate, hand_off
from tests.fakes import call
from tests.http.conftest import Copies, key, start
from tests.http.test_deciding import payer
from tests.workflows.stage import agent
from tests.workflows.world import World, reading


@dataclass(frozen=True)
class Heard:
    """One event as a client has it; a comment has no type."""

    id: str
    type: str
    data: dict[str, Any]


async def listen(
    program: httpx.AsyncClient, run: str, after: str = ""
) -> AsyncGenerator[Heard, None]:
    """Yield what a stream brings, until it closes."""
    async with program.stream("GET", f"{run}/events", headers={"Last-Event-ID": after}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if line.startswith(":"):
                yield Heard("", "", {})
            elif line:
                fields[name] = value
            elif "data" in fields:
                yield Heard(fields["id"], fields["event"], json.loads(fields["data"]))
                fields = {}


async def whole(program: httpx.AsyncClient, run: str, after: str = "") -> list[Heard]:
    """Return all that a stream brings, without the comments."""
    return [each async for each in listen(program, run, after) if each.type]


async def started(program: httpx.AsyncClient) -> str:
    """Start a run and return its address."""
    answer = await program.post("/v1/runs", json=start(), headers=key(uuid4().hex))
    return str(answer.headers["location"])


@pytest.mark.requirement("C4.9:events")
async def test_a_stream_tells_a_run_from_start_to_end(copies: Copies) -> None:
    """States, model calls, tools and the end, in order, each with an id; no conversation."""
    await copies.stage.play(
        agent("bench", tools=[reading()]), [call("lookup", key="secret words"), "secret answer"]
    )
    program = await copies.program()
    run = await started(program)

    heard = await whole(program, run)

    types = [each.type for each in heard]
    assert types[0] == "started"
    assert types[-1] == "end"
    assert [each.data["calls"] for each in heard if each.type == "turn"] == [["lookup"], []]
    assert [each.data["tool"] for each in heard if each.type == "tool"] == ["lookup"]
    states = [each.data["state"] for each in heard if each.type == "state"]
    assert (states[0], states[-1]) == ("VALIDATING", "COMPLETE")
    assert heard[-1].data["outcome"] == "completed"
    assert len({each.id for each in heard}) == len(heard)
    assert "secret" not in json.dumps([each.data for each in heard])


@pytest.mark.requirement("C4.9:events-resume")
async def test_a_cut_stream_goes_on_after_any_event_at_any_copy(copies: Copies) -> None:
    """From each event, the other copy tells exactly those after it."""
    await copies.stage.play(agent("bench", tools=[reading()]), [call("lookup", key="a"), "done"])
    program = await copies.program(0)
    other = await copies.program(1)
    run = await started(program)
    heard = await whole(program, run)

    for number, each in enumerate(heard):
        rest = await whole(other, run, each.id)
        assert rest == heard[number + 1 :]


@pytest.mark.requirement("C4.9:events-live")
async def test_a_question_is_told_as_it_is_asked_and_again_to_who_comes_later(
    copies: Copies,
) -> None:
    """Between events a comment says that the stream is there; the answer is told with who."""
    await copies.stage.play(payer(World()), [call("pay", item="10"), "done"])
    copies.serve(heartbeat_s=0.05)
    program = await copies.program(name="ada")
    run = await started(program)

    comments, question, last = 0, "", ""
    async with aclosing(listen(program, run)) as events:
        async for each in events:
            comments += not each.type
            if each.type == "question":
                question, last = each.data["id"], each.id
            if question and comments:
                break
    later = [each async for each in _until(program, run, "question")]
    again = [each async for each in _until(program, run, "question", last)]
    second = await copies.program(name="ben")
    told = await second.post(f"{run}/approvals/{question}", json={"verdict": "approve"})
    rest = await whole(program, run, last)

    assert told.status_code == HTTPStatus.OK
    assert later[-1].data["id"] == again[-1].data["id"] == question
    assert [each.type for each in again] == ["question"]
    decision = next(each.data for each in rest if each.type == "decision")
    assert (decision["by"], decision["verdict"], decision["counted"]) == ("ben", "approve", True)
    assert rest[-1].data["outcome"] == "completed"


async def _until(
    program: httpx.AsyncClient, run: str, last: str, after: str = ""
) -> AsyncGenerator[Heard, None]:
    async with aclosing(listen(program, run, after)) as events:
        async for each in events:
            if each.type:
                yield each
            if each.type == last:
                return


@pytest.mark.requirement("C4.9:events")
async def test_signals_and_silence_are_decisions_too(copies: Copies) -> None:
    """A signal does not say whether it counted; nobody's answer is told as silence."""
    silent = payer(World())
    policy = silent.approvals.model_copy(update={"timeout": timedelta(seconds=1)})
    await copies.stage.play(
        agent("bench", tools=silent.tools[:-1], approvals=policy), [call("pay", item="10"), "done"]
    )
    program = await copies.program()
    run = await started(program)
    await copies.handle(run.rpartition("/")[2]).signal("approve", {"approval_id": "nobody's"})

    heard = await whole(program, run)

    told = [each.data for each in heard if each.type == "decision"]
    assert [(each["verdict"], each["counted"]) for each in told] == [
        ("approve", None),
        ("silence", True),
    ]


@pytest.mark.requirement("C4.9:events-live")
async def test_streams_end_when_the_service_stops(copies: Copies) -> None:
    """They close without `end`, so that their readers come back to another copy."""
    stopping = asyncio.Event()
    copies.serve(stopping=stopping)
    program = await copies.program()
    run = await started(program)

    async def stop_soon() -> None:
        await asyncio.sleep(0.2)
        stopping.set()

    heard, _ = await asyncio.gather(asyncio.wait_for(whole(program, run), 10), stop_soon())

    assert [each.type for each in heard] == ["started"]


@pytest.mark.requirement("C4.9:bad-input")
@pytest.mark.parametrize("after", ["7", "x" * 101, "a:b.c", "0" * 36 + ":1"])
async def test_a_last_event_that_is_none_is_refused(copies: Copies, after: str) -> None:
    """It is a problem, not an empty stream."""
    program = await copies.program()
    run = await started(program)

    answer = await program.get(f"{run}/events", headers={"Last-Event-ID": after})

    assert answer.status_code == 422


class Errand(BaseModel):
    """What is handed on."""

    what: str


@pytest.mark.requirement("C4.9:events-resume")
async def test_a_run_that_goes_on_in_another_history_is_one_stream(copies: Copies) -> None:
    """What is told goes on over `continued` to the end, and from any event of either history."""
    leave = hand_off("assistant", Errand, does="Leaves the rest.")
    script = [call("hand_to_assistant", what="the rest"), "done"]
    await copies.stage.play([agent("bench", tools=[leave]), agent("assistant")], script)
    program = await copies.program()
    run = await started(program)

    heard = await whole(program, run)

    types = [each.type for each in heard]
    first = heard[types.index("continued") - 1]
    second = heard[types.index("continued") + 1]
    assert (types.count("started"), types.count("continued"), types[-1]) == (1, 1, "end")
    assert len({each.id.partition(":")[0] for each in heard}) == 2
    for each in (first, second):
        assert await whole(program, run, each.id) == heard[heard.index(each) + 1 :]


@pytest.mark.requirement("C4.9:events")
async def test_runs_below_are_told_and_have_streams_of_their_own(copies: Copies) -> None:
    """A run below another begins and ends in its stream; its id, slash and all, opens its own."""
    ask = delegate("assistant", Errand, does="Does it.")
    script = [call("ask_assistant", what="it"), "it is done", "done"]
    await copies.stage.play([agent("bench", tools=[ask]), agent("assistant")], script)
    program = await copies.program()
    run = await started(program)

    heard = await whole(program, run)

    children = [each.data for each in heard if each.type == "child"]
    assert [each["outcome"] for each in children] == ["", "completed"]
    below = children[0]["run_id"]
    assert below.startswith(run.rpartition("/")[2] + "/")
    view = await program.get(f"/v1/runs/{below}")
    assert (view.json()["parent"], view.json()["agent"]) == (
        run.rpartition("/")[2],
        "assistant",
    )
    own = await whole(program, f"/v1/runs/{quote(below, safe='')}")
    assert (own[0].type, own[-1].type) == ("started", "end")
