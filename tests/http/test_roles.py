"""Roles: what each may do, and that whoever asks for a run does not answer it."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from domain.access import FLEET, ROLES, Role, is_same_person
from runtime.operations import Operations
from tests.fakes import call
from tests.http.conftest import Copies, key, start
from tests.http.test_deciding import asked, payer
from tests.workflows.stage import agent, eventually
from tests.workflows.team import by_agent, errand
from tests.workflows.world import World


def _at_every_door(run: str, question: str) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Return a request for each thing that can be done, none of which changes anything."""
    halt = {"scope": "run", "name": "run-0"}
    return [
        ("GET", run, None),
        ("POST", "/v1/runs", start(agent="x")),
        ("POST", "/v1/runs/run-0/cancel", None),
        ("POST", f"{run}/approvals/{question}", {"verdict": "approve"}),
        ("POST", f"{run}/stop", {"verdict": "skip"}),
        ("GET", "/v1/halts", None),
        ("POST", "/v1/halts", halt),
        ("POST", "/v1/halts/lift", halt),
        ("GET", "/v1/standing", None),
        ("POST", "/v1/standing", {"agent": "x", "tool": "y"}),
        ("POST", "/v1/standing/x/revoke", {}),
        ("GET", "/v1/caps", None),
        ("PUT", "/v1/caps/acme/day", {"usd": 1}),
        ("DELETE", "/v1/caps/acme/day", None),
        ("GET", "/v1/breakers", None),
        ("POST", "/v1/breakers/x/reset", None),
    ]


async def _told(program: httpx.AsyncClient, doors: list[Any]) -> list[int]:
    answers = [
        await program.request(method, path, json=body, headers=key("y"))
        for method, path, body in doors
    ]
    return [answer.status_code for answer in answers]


_ALLOWED: dict[str, list[int]] = {
    "reader": [200, *[403] * 15],
    "starter": [200, 422, 404, *[403] * 13],
    "approver": [200, 403, 403, 409, *[403] * 12],
    # Of its tenant: halts and standing approvals. Caps are seen; those and breakers are not its.
    "operator": [200, 403, 404, 403, 409, 200, 404, 404, 200, 422, 409, 200, 403, 403, 403, 403],
}


@pytest.mark.requirement("C6.7:roles")
async def test_each_role_opens_its_own_doors_and_no_others(copies: Copies) -> None:
    """Sixteen doors, four roles: whatever is not a role's is told 403."""
    await copies.stage.play(payer(World()), [call("pay", item="10"), "done"])
    run, _ = await asked(copies)
    doors = _at_every_door(run, "another")

    found = {
        role: await _told(await copies.program(name=role, scopes=scopes), doors)
        for role, scopes in ROLES.items()
    }

    assert found == _ALLOWED
    assert not any({"start", "approve"} <= set(scopes) for scopes in ROLES.values())


@pytest.mark.requirement("C6.7:four-eyes")
async def test_who_asked_for_a_run_cannot_answer_it(copies: Copies) -> None:
    """By the token that started it, or another in the same name; somebody else can."""
    world = World()
    await copies.stage.play(payer(world), [call("pay", item="10"), "done"])
    run, question = await asked(copies)
    there = f"{run}/approvals/{question['id']}"
    own = [
        await copies.program(name="billing", scopes=("approve", "start", "read")),
        await copies.program(1, name="Billing", scopes=("approve",)),
    ]
    other = await copies.program(name="ada", scopes=("approve", "read"))

    refused = [await each.post(there, json={"verdict": "approve"}) for each in own]
    before = list(world.done)
    answer = await other.post(there, json={"verdict": "approve"})
    await other.get(f"{run}/result?wait=20")

    assert [each.status_code for each in refused] == [403, 403]
    assert {each.json()["type"] for each in refused} == {"urn:holdfast:problem:own-run"}
    assert before == []
    assert (answer.status_code, world.done) == (200, ["pay 10"])


@pytest.mark.requirement("C6.7:four-eyes")
async def test_who_asked_for_the_run_above_cannot_answer_below(copies: Copies) -> None:
    """A run that asks another is asked for by the same person, wherever the question comes up."""
    world = World()
    script = by_agent(
        bench=[call("ask_helper", item="milk"), "done"], helper=[call("pay", item="10"), "paid"]
    )
    await copies.stage.play([agent("bench", tools=[errand()]), payer(world, "helper")], script)
    billing = await copies.program(name="billing")
    started = await billing.post("/v1/runs", json=start(), headers=key(uuid4().hex))
    root = started.json()["run_id"]

    async def waiting() -> Any:
        found = (await billing.get("/v1/approvals", params={"below": root})).json()["waiting"]
        return next((each for each in found if each["question"]), None)

    shown = await eventually(waiting)
    there = f"/v1/runs/{shown['run_id']}/approvals/{shown['question']['id']}"
    own = await billing.post(there, json={"verdict": "approve"})
    other = await (await copies.program(name="ada")).post(there, json={"verdict": "approve"})

    assert shown["run_id"].startswith(f"{root}/")
    assert (own.status_code, other.status_code) == (403, 200)


@pytest.mark.requirement("C6.7:four-eyes")
@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("ada", "Ada ", True), ("ada", "bob", False), ("", "", False), (" ", "", False)],
)
def test_a_name_is_a_person_however_it_is_written(one: str, other: str, same: bool) -> None:
    """Capitals and blanks make nobody another; no name is nobody's."""
    assert is_same_person(one, other) is same


@pytest.mark.requirement("C6.7:cancel-own")
async def test_a_starter_ends_what_it_has_started_and_no_more(copies: Copies) -> None:
    """Another's run takes the scope `cancel`."""
    await copies.stage.play(payer(World()), [call("pay", item="1"), call("pay", item="2"), "done"])
    run, _ = await asked(copies)
    other = await copies.program(name="eve", scopes=ROLES["starter"])
    own = await copies.program(name="billing", scopes=ROLES["starter"])
    operator = await copies.program(name="olga", scopes=ROLES["operator"])
    second, _ = await asked(copies)

    told = [await other.post(f"{run}/cancel"), await own.post(f"{run}/cancel")]
    told.append(await operator.post(f"{second}/cancel"))

    assert [each.status_code for each in told] == [403, 202, 202]


async def _operator(
    copies: Copies, name: str = "olga", tenant: str = "default", role: Role = "operator"
) -> httpx.AsyncClient:
    return await copies.program(name=name, tenant=tenant, scopes=ROLES[role])


@pytest.mark.requirement("C6.7:operate")
async def test_a_tenants_operator_halts_and_lifts_what_is_theirs(copies: Copies) -> None:
    """A run, and all of the tenant's; who did it is in the halt and among the operations."""
    tenant = f"t-{uuid4().hex[:8]}"
    await copies.stage.play(payer(World()), [call("pay", item="10"), "done"])
    run, _ = await asked(copies, tenant)
    run_id = run.rpartition("/")[2]
    olga = await _operator(copies, tenant=tenant)

    one = await olga.post("/v1/halts", json={"scope": "run", "name": run_id, "reason": "look"})
    all_of_it = await olga.post("/v1/halts", json={"scope": "tenant"})
    listed = (await olga.get("/v1/halts")).json()["halts"]
    lifted = [
        await olga.post("/v1/halts/lift", json={"scope": "run", "name": run_id}),
        await olga.post("/v1/halts/lift", json={"scope": "tenant", "reason": "mended"}),
    ]

    assert (one.status_code, one.json()["halt"]["by"], one.json()["open_runs"]) == (200, "olga", 1)
    assert all_of_it.json()["halt"]["name"] == tenant
    assert {each["scope"] for each in listed} >= {"run", "tenant"}
    assert [each.status_code for each in lifted] == [200, 200]
    assert lifted[1].json()["lifted"][0]["lifted_by"] == "olga"
    noted = await Operations(copies.stage.database).between(tenant=tenant)
    acts = [(each.act, each.by) for each in noted if each.act.startswith("http.")]
    assert acts == [("http.halt", "olga")] * 2 + [("http.unhalt", "olga")] * 2
    assert all(each.detail["token"] for each in noted if each.act.startswith("http."))


@pytest.mark.requirement("C6.7:operate-apart")
async def test_a_tenants_operator_reaches_nothing_of_others(copies: Copies) -> None:
    """Neither another's runs nor everybody's, nor what operators of the fleet have halted."""
    ours, theirs = f"t-{uuid4().hex[:8]}", f"t-{uuid4().hex[:8]}"
    await copies.stage.play(payer(World()), [call("pay", item="10"), "done"])
    run, _ = await asked(copies, ours)
    run_id = run.rpartition("/")[2]
    eve, olga = await _operator(copies, "eve", theirs), await _operator(copies, tenant=ours)
    fleet = await _operator(copies, "fay", FLEET)

    async def halt(who: httpx.AsyncClient, how: str, **what: str) -> int:
        return (await who.post(f"/v1/halts{how}", json=what)).status_code

    strangers = [
        await halt(eve, "", scope="run", name=run_id),
        await halt(eve, "", scope="tenant", name=ours),
        await halt(eve, "", scope="all"),
        await halt(eve, "", scope="agent", name="bench"),
        (await eve.post("/v1/standing", json=_GRANT | {"tenant": ours})).status_code,
    ]
    await halt(olga, "", scope="tenant")
    await halt(fleet, "", scope="tenant", name=ours)  # it stands already, and is theirs from now
    held = await halt(olga, "/lift", scope="tenant")
    seen = [(await each.get("/v1/halts")).json()["halts"] for each in (eve, olga)]
    freed = await halt(fleet, "/lift", scope="tenant", name=ours)

    assert strangers == [404, 403, 403, 403, 403]
    assert (held, freed) == (403, 200)
    assert [any(each["name"] == ours for each in halts) for halts in seen] == [False, True]


_GRANT = {"agent": "drill", "tool": "drill_wire", "uses": 3, "reason": "tested"}


@pytest.mark.requirement("C6.7:operate")
async def test_a_fleets_operator_sees_and_operates_on_every_tenant(copies: Copies) -> None:
    """A run of any tenant, caps and breakers; a tenant's sees its own caps only."""
    tenant = f"t-{uuid4().hex[:8]}"
    await copies.stage.play(payer(World()), [call("pay", item="10"), "done"])
    run, _ = await asked(copies, tenant)
    fleet, olga = await _operator(copies, "fay", FLEET), await _operator(copies, tenant=tenant)

    cap = await fleet.put(f"/v1/caps/{tenant}/day", json={"usd": 2.5})
    seen = (await olga.get("/v1/caps")).json()["caps"]
    told = [
        (await fleet.get(run)).status_code,
        (await fleet.get("/v1/breakers")).status_code,
        (await fleet.put(f"/v1/caps/{tenant}/day", json={})).status_code,
        (await fleet.delete(f"/v1/caps/{tenant}/day")).status_code,
        (await fleet.delete(f"/v1/caps/{tenant}/day")).status_code,
        (await fleet.post(f"{run}/cancel")).status_code,
    ]

    assert (cap.json()["cost_usd"], cap.json()["set_by"][:3]) == ("2.5", "fay")
    assert [(each["tenant"], each["cost_usd"]) for each in seen] == [(tenant, "2.5")]
    assert told == [200, 200, 422, 200, 409, 202]


@pytest.mark.requirement("C6.7:four-eyes")
async def test_a_standing_approval_is_not_given_by_who_can_start(copies: Copies) -> None:
    """Nobody approves beforehand what they can start, by this token or another of theirs."""
    tenant = f"t-{uuid4().hex[:8]}"
    await copies.token(name="Olga", tenant=tenant, scopes=ROLES["starter"])
    olga = await _operator(copies, "olga", tenant)
    otto = await _operator(copies, "otto", tenant)

    refused = await olga.post("/v1/standing", json=_GRANT)
    granted = await otto.post("/v1/standing", json=_GRANT)
    made = granted.json()
    ended = await otto.post(f"/v1/standing/{made['id']}/revoke", json={"reason": "over"})

    assert (refused.status_code, granted.status_code) == (403, 201)
    assert (made["by"], made["terms"]["uses"], ended.json()["state"]) == ("otto", 3, "revoked")
