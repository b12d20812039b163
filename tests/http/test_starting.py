"""A key stands for one run, whichever copy is asked, however often, and for ever."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from commands import admission
from runtime.runs import Runs
from tests.http.conftest import Copies, key, start
from tests.workflows.stage import agent, eventually


@pytest.mark.requirement("C4.9:key-is-one-run")
async def test_twenty_at_once_over_two_copies_are_one_run(copies: Copies) -> None:
    """One is told that it started the run, the others get the same id; the model is asked once."""
    await copies.stage.play(agent("bench"), ["done"])
    programs = [await copies.program(copy) for copy in (0, 1)]
    wanted = key(f"order-{uuid4().hex}")

    answers = await asyncio.gather(
        *(programs[n % 2].post("/v1/runs", json=start(), headers=wanted) for n in range(20))
    )

    run_ids = {answer.json()["run_id"] for answer in answers}
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert [answer.json()["new"] for answer in answers].count(True) == 1
    assert len(run_ids) == 1
    ended = await programs[0].get(f"/v1/runs/{run_ids.pop()}/result?wait=20")
    assert ended.json()["outcome"] == "completed"
    assert len(copies.stage.provider.asked) == 1


@pytest.mark.requirement("C4.9:key-is-one-run")
async def test_a_key_of_a_run_that_has_ended_is_that_run(copies: Copies) -> None:
    """It starts nothing anew, and says that the run has closed."""
    await copies.stage.play(agent("bench"), ["done"])
    program = await copies.program()
    wanted = key(uuid4().hex)
    first = await program.post("/v1/runs", json=start(), headers=wanted)
    await program.get(first.headers["location"] + "/result?wait=20")

    again = await program.post("/v1/runs", json=start(), headers=wanted)

    assert again.status_code == 200
    assert again.json() == first.json() | {"new": False, "closed": True}


@pytest.mark.requirement("C4.9:key-other-input")
async def test_a_key_with_another_input_is_refused(copies: Copies) -> None:
    """It says so, names the run that the key stands for, and starts nothing."""
    program = await copies.program()
    other = await copies.program(1)
    wanted = key(uuid4().hex)
    first = await program.post("/v1/runs", json=start("one"), headers=wanted)

    answer = await other.post("/v1/runs", json=start("another"), headers=wanted)

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:holdfast:problem:key-reused"
    assert first.json()["run_id"] in answer.json()["detail"]


@pytest.mark.requirement("C4.9:tenants-apart")
async def test_a_key_is_its_tenants_own(copies: Copies) -> None:
    """The same key of another tenant is another run."""
    ours = await copies.program(tenant="ours")
    theirs = await copies.program(tenant="theirs")
    wanted = key("order-1")

    answers = [await each.post("/v1/runs", json=start(), headers=wanted) for each in (ours, theirs)]

    assert len({answer.json()["run_id"] for answer in answers}) == 2


@pytest.mark.requirement("C4.9:start-without-worker")
async def test_a_run_starts_before_its_worker_does(copies: Copies) -> None:
    """It is there at once, in the name of the token, and ends when a worker comes."""
    program = await copies.program(name="billing", tenant="acme")
    started = await program.post("/v1/runs", json=start(), headers=key(uuid4().hex))
    run_id = started.json()["run_id"]

    waiting = await program.get(f"/v1/runs/{run_id}/result")
    await copies.stage.play(agent("bench"), ["done"])
    ended = await program.get(f"/v1/runs/{run_id}/result?wait=20")

    assert (started.status_code, waiting.status_code, ended.status_code) == (201, 202, 200)
    assert waiting.json()["status"] == "running"
    assert waiting.headers["retry-after"]
    assert ended.json()["result"]["answer"] == "done"
    assert ended.json()["result"]["spend"]["steps"] == 1


@pytest.mark.requirement("C4.9:outlives-history")
async def test_a_run_is_known_after_its_history_is_gone(copies: Copies) -> None:
    """Status and result come from the database; its key starts nothing; its events are its end."""
    program = await copies.program(tenant="ours")
    stranger = await copies.program(tenant="theirs")
    wanted = uuid4().hex
    run_id = admission.run_id("ours", wanted)
    kept = {"workflow": "AgentWorkflow", "run_id": run_id, "agent": "bench", "answer": "done"}
    await Runs(copies.stage.database).closed(
        run_id=run_id, agent="bench", tenant="ours", outcome="completed", result=json.dumps(kept)
    )
    run = f"/v1/runs/{run_id}"

    result = await program.get(f"{run}/result")
    status = await program.get(run)
    again = await program.post("/v1/runs", json=start(), headers=key(wanted))
    events = await program.get(f"{run}/events")
    late = await program.post(f"{run}/cancel")
    hidden = [await stranger.get(run + rest) for rest in ("", "/result", "/events")]

    assert (result.json()["result"]["answer"], result.json()["outcome"]) == ("done", "completed")
    assert (status.json()["status"], status.json()["outcome"]) == ("closed", "completed")
    assert (again.status_code, again.json()["run_id"], again.json()["closed"]) == (
        200,
        run_id,
        True,
    )
    assert "event: end" in events.text
    assert late.status_code == 409
    assert [answer.status_code for answer in hidden] == [404, 404, 404]


@pytest.mark.requirement("C4.9:input-is-strict")
@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"tenant": "other"}, "input.tenant"),
        ({"by": "root"}, "input.by"),
        ({"state": {}}, "input.state"),
        ({"undo": []}, "input.undo"),
        ({"lineage": "x"}, "input.lineage"),
        ({"tsk": "a typo"}, "input.tsk"),
        ({"limits": {"stepz": 1}}, "input.limits.stepz"),
        ({"limits": {"steps": 0}}, "input.limits.steps"),
        ({"limits": {"steps": "3"}}, "input.limits.steps"),
        ({"agent": "nobody"}, "input.agent"),
        ({"agent": 5}, "input.agent"),
        ({"task": " "}, "input.task"),
        ({"task": "x" * 200_001}, "input.task"),
        ({"agent": "auditor"}, "input.data"),
    ],
)
async def test_an_input_is_held_to_its_schema(
    copies: Copies, given: dict[str, Any], field: str
) -> None:
    """Who asks, for whom and with what past is nobody's to say; a typo is not ignored."""
    program = await copies.program()

    answer = await program.post("/v1/runs", json=start(**given), headers=key(uuid4().hex))

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == [field]
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.requirement("C4.9:scopes")
async def test_a_token_may_be_held_to_some_workflows(copies: Copies) -> None:
    """Another workflow is refused, and not listed."""
    program = await copies.program(workflows=("audit",))

    refused = await program.post("/v1/runs", json=start(), headers=key("x"))
    listed = await program.get("/v1/workflows")

    assert (refused.status_code, "only audit" in refused.json()["detail"]) == (403, True)
    assert [each["name"] for each in listed.json()["workflows"]] == ["audit"]


@pytest.mark.requirement("C4.9:cancel")
async def test_a_cancelled_run_closes_and_says_so(copies: Copies) -> None:
    """Cancelling one that has closed is told, and changes nothing."""
    program = await copies.program()
    started = await program.post("/v1/runs", json=start(), headers=key(uuid4().hex))
    run = started.headers["location"]

    asked = await program.post(f"{run}/cancel")
    await copies.stage.play(agent("bench"), [])
    ended = await program.get(f"{run}/result?wait=20")
    again = await program.post(f"{run}/cancel")

    assert (asked.status_code, asked.json()["cancel_requested"]) == (202, True)
    assert (ended.status_code, ended.json()["outcome"]) == (200, "cancelled")
    assert ended.json()["result"]["outcome"] == "cancelled"
    assert again.status_code == 409


async def _listed(program: httpx.AsyncClient, query: str = "") -> dict[str, Any]:
    return (await program.get(f"/v1/runs{query}")).json()


@pytest.mark.requirement("C4.9:list")
async def test_the_list_has_the_tenants_runs_in_pages(copies: Copies) -> None:
    """Newest first, page by page, each once; another's are not there."""
    tenant = f"t-{uuid4().hex[:8]}"
    program = await copies.program(tenant=tenant)
    stranger = await copies.program(tenant="other")
    ids = [
        (await program.post("/v1/runs", json=start(), headers=key(str(n)))).json()["run_id"]
        for n in range(3)
    ]

    async def all_there() -> bool:
        return len((await _listed(program))["runs"]) == 3

    await eventually(all_there)
    first = await _listed(program, "?limit=2")
    second = await _listed(program, f"?limit=2&after={first['next']}")

    seen = [run["run_id"] for run in first["runs"] + second["runs"]]
    assert seen == ids[::-1]
    assert not {run["run_id"] for run in (await _listed(stranger))["runs"]} & set(ids)
    assert (await _listed(program, "?workflow=audit"))["runs"] == []
    assert (await program.get("/v1/runs?after=zz")).status_code == 422
    assert (await program.get("/v1/runs?workflow=nothing")).status_code == 422
