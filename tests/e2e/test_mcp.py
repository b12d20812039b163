"""MCP both ways with real processes: a server's tools in a run, and runs through our server."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

from agents.interop import declared, pins
from agents.interop.pins import Pins
from agents.registry import agents
from bench.drill.rig import Rig, rig
from commands.doors import Door
from commands.mcp_server import server
from domain.run import AgentResult, Status
from runtime.mcp_sessions import mcp_sessions
from runtime.runs import Runs
from runtime.settings import PROJECT
from runtime.tokens import Tokens
from tests.e2e.cli import alive
from tests.interop.tiny import PROGRAM
from tests.workflows.stage import eventually

pytestmark = pytest.mark.slow

FILE = """
[servers.time]
command = "mcp-server-time"
args = ["--local-timezone", "UTC"]
agents = ["assistant"]
tools.convert_time.effect = "read"

[servers.tiny]
command = {python}
args = [{program}, {folder}]
agents = ["assistant"]
tools.put.effect = "write"

[servers.gone]
command = "no-such-program"
agents = ["assistant"]
"""
PARIS = {"source_timezone": "Asia/Tokyo", "time": "16:30", "target_timezone": "Asia/Kolkata"}


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Rig]:
    """A stack whose worker finds a file of MCP servers in its home, pinned; one is not there."""
    home = tmp_path_factory.mktemp("mcp")
    (home / "tiny").mkdir()
    file = home / "mcp.toml"
    words = {"python": sys.executable, "program": str(PROGRAM), "folder": str(home / "tiny")}
    file.write_text(FILE.format(**{name: json.dumps(word) for name, word in words.items()}))
    entries = declared.load(file)
    async with mcp_sessions(entries, home) as sessions:
        found = {name: tuple(await sessions.listing(name)) for name in ("time", "tiny")}
    pins.save(file, Pins(servers=found))
    async with rig(home) as started:
        yield started


def _script(*calls: tuple[str, dict[str, Any]]) -> str:
    return json.dumps({"calls": calls})


async def _start(running: Rig, run_id: str, task: str) -> None:
    await running.session.client.start_workflow(
        "AgentWorkflow",
        {"agent": "assistant", "task": task, "lineage": run_id},
        id=run_id,
        task_queue="holdfast",
    )


async def _result(running: Rig, run_id: str) -> AgentResult:
    handle = running.session.client.get_workflow_handle(run_id, result_type=AgentResult)
    return await asyncio.wait_for(handle.result(), 40)


@pytest.mark.requirement("C4.8:registry")
async def test_an_agent_calls_a_tool_of_a_server_from_the_registry(running: Rig) -> None:
    """The published time server, a process of its own, answers what the agent asks."""
    await _start(running, "time", _script(("time_convert_time", PARIS)))
    result = await _result(running, "time")

    told = [event async for event in Door(running.session).events("time")]
    answer = json.loads(result.answer)
    assert [event.data["tool"] for event in told if event.type == "tool"] == ["time_convert_time"]
    assert answer["time_difference"] == "-3.5h"
    assert answer["target"]["datetime"].endswith("T13:00:00+05:30")
    assert (result.outcome, result.tool_calls, result.decisions) == ("completed", 1, ())


@pytest.mark.requirement("C4.8:not-there")
async def test_a_server_that_is_not_there_keeps_nobody_from_being_served(running: Rig) -> None:
    """The worker that served the other tests names it in its log, and offers nothing of it."""
    log = (running.home / "worker.log").read_text()

    assert "MCP server 'gone' is not pinned, so its tools are not offered" in log


@pytest.mark.requirement("C4.8:crash")
async def test_a_worker_killed_in_a_write_leaves_it_in_doubt_and_no_server_behind(
    running: Rig,
) -> None:
    """The write is not made again, no answered model call is, and the orphaned server ends."""
    await _start(running, "killed", _script(("tiny_put", {"item": "slow"})))
    handle = running.handle("killed")
    notes = running.home / "tiny" / "done.jsonl"

    async def put() -> list[dict[str, Any]]:
        lines = map(json.loads, notes.read_text().splitlines()) if notes.exists() else ()
        return [note for note in lines if note["tool"] == "put"]

    (sent,) = await eventually(put)
    await running.kill_worker()

    async def asked() -> dict[str, Any] | None:
        return (await handle.query("status", result_type=Status)).question

    question = await eventually(asked, 40)
    await handle.signal("approve", {"reason": "seen in the books", "by": "ada"})
    result = await _result(running, "killed")

    assert question["kind"] == "in_doubt"
    assert len(await put()) == 1
    assert [write.key for write in result.writes] == [sent["key"]]
    assert not alive(sent["pid"])
    calls = (await running.stats("killed"))["list"]
    assert [call for call in calls if call["repeated"]] == []


@asynccontextmanager
async def _holdfast(running: Rig) -> AsyncGenerator[Client]:
    """Connect to Holdfast's own server with the official client, over stdio."""
    ours = ("HOLDFAST_", "TEMPORAL_")
    env = {name: value for name, value in running.stack.env.items() if name.startswith(ours)}
    program = StdioServerParameters(
        command=sys.executable,
        args=["starter.py", "mcp"],
        env=env,
        cwd=PROJECT,
    )
    async with Client(program, read_timeout_seconds=60) as client:
        yield client


@asynccontextmanager
async def _at_hand(running: Rig, tenant: str = "default") -> AsyncGenerator[Client]:
    """Connect to the same server without a process of its own, which takes seconds to start."""
    own = Door(running.session, tenant, "tester")

    def door(*_: object) -> Door:
        return own

    async with Client(server(door, agents()), read_timeout_seconds=60) as client:
        yield client


def _said(result: CallToolResult) -> Any:
    assert not result.is_error, result.content
    return result.structured_content


@pytest.mark.requirement("C4.8:mcp-server")
async def test_the_official_client_starts_a_run_and_gets_its_result(running: Rig) -> None:
    """Started twice under one key it is one run; its status and its answer are told."""
    task = _script(("time_convert_time", PARIS))
    start = {"agent": "assistant", "task": task, "idempotency_key": "call-1"}
    async with _holdfast(running) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        known = _said(await client.call_tool("list_agents"))
        first = _said(await client.call_tool("start_run", start))
        second = _said(await client.call_tool("start_run", start))
        run = {"run_id": first["run_id"]}
        ended = _said(await client.call_tool("run_result", run | {"wait_s": 40}))
        status = _said(await client.call_tool("run_status", run))

    # What a person decides is not among them, whatever it is called.
    assert tools == {"list_agents", "start_run", "run_status", "run_result"}
    lent = {agent["name"]: agent["tools"] for agent in known["agents"]}["assistant"]
    assert {"time_convert_time", "tiny_put"} < set(lent)
    assert (first["new"], second) == (True, {"run_id": first["run_id"], "new": False})
    assert (ended["ended"], ended["outcome"]) == (True, "completed")
    assert json.loads(ended["answer"])["time_difference"] == "-3.5h"
    assert (status["outcome"], status["waits_for"]) == ("completed", "")


@pytest.mark.requirement("C4.8:mcp-server")
async def test_a_run_that_asks_a_person_says_so_and_nothing_here_answers(running: Rig) -> None:
    """An undeclared tool is irreversible: the caller is told what is asked, and of whom."""
    task = _script(("tiny_look", {"item": "a"}))
    start = {"agent": "assistant", "task": task, "idempotency_key": "call-2"}
    async with _at_hand(running) as client:
        run = {"run_id": _said(await client.call_tool("start_run", start))["run_id"]}

        async def waits() -> dict[str, Any] | None:
            said = _said(await client.call_tool("run_result", run))
            return said if said["waits_for"] else None

        said = await eventually(waits)
        await running.handle(run["run_id"]).signal("reject", {"reason": "no"})
        ended = _said(await client.call_tool("run_result", run | {"wait_s": 40}))

    assert (said["waits_for"], said["question"]) == ("a person's answer", "run tiny_look")
    assert ended["outcome"] == "completed"


@pytest.mark.requirement("C4.8:mcp-server")
async def test_what_cannot_be_is_told_in_one_line(running: Rig) -> None:
    """An unknown agent, a key used for something else, another's run: errors for a model."""
    start = {"agent": "assistant", "task": "hello", "idempotency_key": "call-3"}
    wrong = [
        ("start_run", start | {"agent": "nobody"}, "there is no agent 'nobody'"),
        ("start_run", start | {"task": "other"}, "the idempotency key was used before"),
        ("start_run", start | {"idempotency_key": " "}, "expected 1 to 200"),
        ("run_status", {"run_id": "no-such-run"}, "there is no run 'no-such-run'"),
        ("run_result", {"run_id": "time"}, "there is no run 'time'"),
        ("run_result", {"run_id": "x", "wait_s": 9_999}, "less than or equal to 120"),
    ]
    async with _at_hand(running, "other") as client:
        _said(await client.call_tool("start_run", start))
        for name, arguments, told in wrong:
            result = await client.call_tool(name, arguments)
            assert result.is_error, (name, arguments)
            assert told in result.content[0].text, result.content  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.requirement("C4.8:session")
async def test_the_worker_ends_in_order_with_its_servers(running: Rig) -> None:
    """SIGTERM closes the sessions; exit code 0, and no server is left."""
    notes = running.home / "tiny" / "done.jsonl"
    pids = {json.loads(line)["pid"] for line in notes.read_text().splitlines()}
    worker = running.worker

    await worker.stop()

    assert await worker.ended() == 0
    assert [pid for pid in pids if alive(pid)] == []
    await worker.start()


@pytest.mark.requirement("C4.8:mcp-server")
async def test_over_http_a_token_says_whose_runs_and_who(running: Rig) -> None:
    """Without a good token nobody comes in; one that only reads starts nothing."""
    tokens = Tokens(running.session.database)
    _, text = await tokens.add(name="ada", tenant="acme", scopes=("read", "start"))
    _, reader = await tokens.add(name="bob", tenant="acme", scopes=("read",))
    start = {"agent": "assistant", "task": "hello", "idempotency_key": "call-4"}
    async with _served(running) as address:
        async with httpx2.AsyncClient(trust_env=False) as http:
            closed = await http.post(address, json={})
        async with _over(address, text) as client:
            run_id = _said(await client.call_tool("start_run", start))["run_id"]
            ended = _said(await client.call_tool("run_result", {"run_id": run_id, "wait_s": 40}))
        async with _over(address, reader) as client:
            refused = await client.call_tool("start_run", start)
            seen = _said(await client.call_tool("run_status", {"run_id": run_id}))

    assert closed.status_code == 401
    assert (ended["outcome"], seen["outcome"]) == ("completed", "completed")
    assert refused.is_error
    shown = await Runs(running.session.database).get(run_id)
    assert shown is not None
    assert shown.tenant == "acme"


@asynccontextmanager
async def _served(running: Rig) -> AsyncGenerator[str]:
    ours = ("HOLDFAST_", "TEMPORAL_", "PATH", "HOME")
    env = {name: value for name, value in running.stack.env.items() if name.startswith(ours)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("starter.py", "mcp", "serve", "--port", "0", "--json"),
        cwd=PROJECT,
        env=env,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    text = (await process.stdout.readuntil(b"}\n")).decode()
    yield json.loads(text)["address"]
    process.terminate()
    assert await process.wait() == 0


@asynccontextmanager
async def _over(address: str, token: str) -> AsyncGenerator[Client]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:
        transport = streamable_http_client(address, http_client=http)
        async with Client(transport, read_timeout_seconds=60) as client:
            yield client
