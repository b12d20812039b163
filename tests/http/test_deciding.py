"""What waits for a person is seen and answered through any copy, in the token's name."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from agents.toolkit import Agent
from domain.spec import ApprovalPolicy
from tests.fakes import call, refused
from tests.http.conftest import Copies, key, start
from tests.workflows.stage import agent, eventually
from tests.workflows.world import World, reading, writing


def payer(world: World, name: str = "bench") -> Agent:
    """Return an agent with one irreversible tool."""
    return agent(
        name,
        tools=[writing(world, "pay", effect="irreversible", idempotent=True), reading()],
        approvals=ApprovalPolicy(timeout=timedelta(minutes=5)),
    )


async def asked(copies: Copies, tenant: str = "default") -> tuple[str, dict[str, Any]]:
    """Start a run, as somebody who answers nothing; return its address and its question."""
    program = await copies.program(name="billing", tenant=tenant, scopes=("read", "start"))
    started = await program.post("/v1/runs", json=start(), headers=key(uuid4().hex))
    run = started.headers["location"]

    async def question() -> dict[str, Any] | None:
        said = (await program.get(run)).json()["said"]
        return said and said["question"]

    return run, await eventually(question)


@pytest.mark.requirement("C4.9:asked-here-answered-there")
async def test_asked_through_one_copy_and_answered_through_the_other(copies: Copies) -> None:
    """The second copy lists the question of a run that the first started, and answers it."""
    world = World()
    await copies.stage.play(payer(world), [call("pay", item="10"), "done"])
    starter = await copies.program(0, name="billing", scopes=("start", "read"), tenant="acme")
    approver = await copies.program(1, name="ada", scopes=("read", "approve"), tenant="acme")
    run, question = await asked(copies, "acme")
    run_id = run.rpartition("/")[2]

    async def listed() -> Any:
        waiting = (await approver.get("/v1/approvals")).json()["waiting"]
        return next((each for each in waiting if each["run_id"] == run_id), None)

    shown = await eventually(listed)
    answer = await approver.post(
        f"{run}/approvals/{shown['question']['id']}",
        json={"verdict": "approve", "reason": "checked"},
    )
    ended = await starter.get(f"{run}/result?wait=20")

    assert shown["question"]["arguments"] == question["arguments"] == {"item": "10"}
    assert (answer.status_code, answer.json()["by"]) == (200, "ada")
    assert ended.json()["outcome"] == "completed"
    decision = ended.json()["result"]["decisions"][0]
    assert (decision["by"], decision["reason"], decision["verdict"]) == (
        "ada",
        "checked",
        "approve",
    )
    assert world.done == ["pay 10"]


@pytest.mark.requirement("C4.9:approver-is-the-token")
async def test_the_body_cannot_say_who_decides(copies: Copies) -> None:
    """A `by` is refused, and the run still asks."""
    world = World()
    await copies.stage.play(payer(world), [call("pay", item="10"), "done"])
    program = await copies.program(name="mallory")
    run, question = await asked(copies)
    there = f"{run}/approvals/{question['id']}"

    answer = await program.post(there, json={"verdict": "approve", "by": "the board"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "by")
    assert (await program.get(run)).json()["said"]["question"] is not None
    assert world.done == []


@pytest.mark.requirement("C4.9:answer-counts-or-says-why")
async def test_an_answer_that_cannot_count_is_told_why(copies: Copies) -> None:
    """Another question, unfit arguments, none at all, a second answer, a closed run: each a 409."""
    world = World()
    await copies.stage.play(payer(world), [call("pay", item="10"), "done"])
    program = await copies.program()
    run, question = await asked(copies)
    there = f"{run}/approvals/{question['id']}"

    other = await program.post(f"{run}/approvals/{uuid4()}", json={"verdict": "approve"})
    unfit = await program.post(there, json={"verdict": "modify", "arguments": {"itm": 1}})
    empty = await program.post(there, json={"verdict": "modify"})
    modified = await program.post(there, json={"verdict": "modify", "arguments": {"item": "9"}})
    await program.get(f"{run}/result?wait=20")
    late = await program.post(there, json={"verdict": "reject"})

    answers = [other, unfit, empty, late]
    assert [answer.status_code for answer in answers] == [409] * 4
    assert "the open question is" in other.json()["detail"]
    assert "'item' is a required property" in unfit.json()["detail"]
    assert "modify needs" in empty.json()["detail"]
    assert "has closed" in late.json()["detail"]
    assert modified.status_code == 200
    assert world.done == ["pay 9"]


@pytest.mark.requirement("C4.9:answer-counts-or-says-why")
async def test_the_same_answer_twice_at_once_is_told_the_same(copies: Copies) -> None:
    """A program whose connection broke may send its answer again, to any copy; another's loses."""
    world = World()
    await copies.stage.play(payer(world), [call("pay", item="10"), call("pay", item="11"), "done"])
    programs = [await copies.program(copy, name="ada") for copy in (0, 1)]
    other = await copies.program(name="bob")
    run, question = await asked(copies)
    there = f"{run}/approvals/{question['id']}"

    answers = await asyncio.gather(
        *(each.post(there, json={"verdict": "approve"}) for each in programs)
    )
    loser = await other.post(there, json={"verdict": "reject"})

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert loser.status_code == 409


@pytest.mark.requirement("C4.9:answer-counts-or-says-why")
async def test_an_answer_without_a_worker_is_told_to_come_again(copies: Copies) -> None:
    """Nobody could take it: 503 at once, with when to come again."""
    starter = await copies.program(name="billing")
    program = await copies.program()
    started = await starter.post("/v1/runs", json=start(), headers=key(uuid4().hex))

    answer = await program.post(
        f"{started.headers['location']}/approvals/x", json={"verdict": "approve"}
    )

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.elapsed.total_seconds() < 10  # asked in vain, it would wait for 20
    assert answer.json()["type"] == "urn:holdfast:problem:no-worker"


@pytest.mark.requirement("C4.9:stops")
async def test_a_stopped_run_is_listed_and_goes_on(copies: Copies) -> None:
    """Why it stands still is shown; a way that is none for it is a 409; `retry` takes it up."""
    await copies.stage.play(agent("bench"), [refused(), "done"])
    program = await copies.program(tenant="acme")
    started = await program.post("/v1/runs", json=start(), headers=key(uuid4().hex))
    run, run_id = started.headers["location"], started.json()["run_id"]

    async def listed() -> Any:
        found = await program.get("/v1/approvals", params={"below": run_id})
        return found.json()["waiting"]

    (waiting,) = await eventually(listed)
    skipped = await program.post(f"{run}/stop", json={"verdict": "skip"})
    retried = await program.post(f"{run}/stop", json={"verdict": "retry", "reason": "mended"})
    again = await program.post(f"{run}/stop", json={"verdict": "abort"})
    ended = await program.get(f"{run}/result?wait=20")

    assert (waiting["stop"]["step"], waiting["question"]) == ("llm.think", None)
    assert (skipped.status_code, retried.status_code) == (409, 200)
    assert again.status_code == 409
    assert ended.json()["outcome"] == "completed"


@pytest.mark.requirement("C4.9:tenants-apart")
async def test_another_tenants_run_is_not_there(copies: Copies) -> None:
    """Whatever is asked of it, the answer is the one for a run that never was."""
    world = World()
    await copies.stage.play(payer(world), [call("pay", item="10"), "done"])
    theirs = await copies.program(tenant="theirs")
    run, question = await asked(copies, "ours")
    nothing = "/v1/runs/run-0"

    async def all_told(program: httpx.AsyncClient, where: str) -> list[tuple[int, str]]:
        approve = {"verdict": "approve"}
        answers = [
            await program.get(where),
            await program.get(f"{where}/result"),
            await program.get(f"{where}/events"),
            await program.post(f"{where}/cancel"),
            await program.post(f"{where}/stop", json={"verdict": "abort"}),
            await program.post(f"{where}/approvals/{question['id']}", json=approve),
        ]
        return [(each.status_code, each.json()["type"]) for each in answers]

    assert await all_told(theirs, run) == await all_told(theirs, nothing)
    assert {status for status, _ in await all_told(theirs, run)} == {404}
    below = await theirs.get("/v1/approvals", params={"below": run.rpartition("/")[2]})
    assert below.json() == {"waiting": []}
    assert world.done == []


@pytest.mark.requirement("C4.9:scopes")
async def test_each_scope_opens_its_own_and_nothing_else(copies: Copies) -> None:
    """Reading, starting and deciding are three things; a token without one is told so."""
    world = World()
    await copies.stage.play(payer(world), [call("pay", item="10"), "done"])
    everything = await copies.program(tenant="scoped")
    run, question = await asked(copies, "scoped")
    approve = f"{run}/approvals/{question['id']}"

    async def may(scope: str) -> list[int]:
        program = await copies.program(scopes=(scope,), tenant="scoped")
        answers = [
            await program.get(run),
            await program.get("/v1/approvals"),
            await program.post("/v1/runs", json=start(agent="x"), headers=key("y")),
            await program.post(f"{run}/approvals/other", json={"verdict": "approve"}),
            await program.post(f"{run}/stop", json={"verdict": "retry"}),
        ]
        return [answer.status_code for answer in answers]

    assert await may("read") == [200, 200, 403, 403, 403]
    assert await may("start") == [403, 403, 422, 403, 403]
    assert await may("approve") == [403, 403, 403, 409, 403]
    assert await may("mend") == [403, 403, 403, 403, 409]
    assert await may("cancel") == await may("operate") == [403] * 5
    assert (await everything.post(approve, json={"verdict": "reject"})).status_code == 200
