"""The gateway as people meet it: a vendor that goes down, caps, kept replies, private agents."""

import asyncio
import json
from collections.abc import Generator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from temporalio.client import Client

from bench.fallback import is_whole
from domain.state import AgentState
from tests.e2e.cli import Cli

pytestmark = pytest.mark.slow


@pytest.fixture
def offline(cli: Cli) -> Generator[str]:
    """The address of the offline model, which behaves well before and after."""
    yield json.loads((cli.home / "offline.json").read_text())["address"]
    cli.misbehave()


def test_a_vendor_that_goes_down_in_mid_run_is_left(cli: Cli, offline: str) -> None:
    """The run ends at the other one: nothing bought twice, the whole transcript carried over."""
    fault = {"rules": ["quota,agent=bench,vendor=openai,turn=3"], "keep": 100}
    httpx.post(f"{offline}/misbehave", json=fault, trust_env=False).raise_for_status()
    script = '{"turns": 5, "result_bytes": 300, "parallel": 2}'

    ran = cli("run", "bench", script, "--id", "falls-back", "--json")

    assert ran.code == 0, ran.err
    state = AgentState.model_validate(_snapshot(cli, "falls-back", 6))
    asked = _get(offline, f"/stats/{state.lineage}")["list"]
    sold = [call["vendor"] for call in asked if call["outcome"] == "ok"]
    assert sold == ["openai"] * 2 + ["anthropic"] * 4
    sent = _get(offline, f"/requests/{state.lineage}")["requests"]
    others = [each["body"] for each in sent if each["vendor"] == "anthropic"]
    assert len(others) == 4
    assert all(is_whole(body, state.messages) for body in others)


def test_a_capped_tenants_run_waits_until_its_cap_is_raised(cli: Cli) -> None:
    """It stops, says what to do, and goes on with `retry`."""
    tenant = f"tenant-{uuid4().hex[:8]}"
    set_cap = ("caps", "set", tenant, "--per", "day")
    assert cli(*set_cap, "--tokens", "10").code == 0

    ran = cli("run", "casenotes", "A note.", "--id", tenant, "--tenant", tenant)

    assert ran.code == 3, ran.err
    assert f"the cap of tenant '{tenant}'" in ran.err + ran.out
    assert cli(*set_cap, "--tokens", "100000").code == 0
    assert cli("retry", tenant).code == 0
    assert cli("watch", tenant).code == 0
    (cap,) = cli("caps", "list", "--tenant", tenant, "--json").json
    assert 0 < cap["used_tokens"] <= cap["tokens"]


def test_a_kept_reply_is_used_until_it_is_forgotten(cli: Cli) -> None:
    """The same note twice is one call; after `cache clear` it is bought again."""
    note = f"Case {uuid4().hex}: fever since Monday."
    first, second = (cli("run", "casenotes", note, "--json").json for _ in range(2))

    assert cli("cache", "clear", "--agent", "casenotes").code == 0
    third = cli("run", "casenotes", note, "--json").json

    assert first["answer"] == second["answer"] == third["answer"]
    assert [each["spend"]["steps"] for each in (first, second, third)] == [1, 1, 1]
    assert [each["cached_turns"] for each in (first, second, third)] == [0, 1, 0]


def test_routes_are_shown(cli: Cli) -> None:
    """What the names stand for, and who is private."""
    told = cli("routes", "--json").json

    assert set(told["routes"]) == {"small", "large"}
    assert told["agents"]["casenotes"]["private"]
    assert told["agents"]["casenotes"]["models"] == ["local:llama3.1:8b"]
    assert "casenotes" in cli("routes").out


def _snapshot(cli: Cli, run_id: str, turn: int) -> Any:
    async def asked() -> Any:
        client = await Client.connect(cli.address)
        return await client.get_workflow_handle(run_id).query("snapshot", turn)

    return asyncio.run(asked())


def _get(address: str, path: str) -> Any:
    return httpx.get(f"{address}{path}", trust_env=False).raise_for_status().json()
