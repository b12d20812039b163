"""The A2A service with the official client: cards, tasks, updates, and what no message answers."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from a2a.client import A2ACardResolver, Client, ClientConfig, ClientFactory
from a2a.helpers import (
    get_artifact_text,
    get_message_text,
    get_stream_response_text,
    new_data_part,
    new_text_part,
)
from a2a.types.a2a_pb2 import (
    AgentCard,
    CancelTaskRequest,
    GetTaskRequest,
    Message,
    Part,
    Role,
    SendMessageConfiguration,
    SendMessageRequest,
    StreamResponse,
    SubscribeToTaskRequest,
    Task,
    TaskState,
)
from a2a.utils.errors import (
    A2AError,
    ContentTypeNotSupportedError,
    InvalidParamsError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct

from agents.drill.place import Place
from runtime.settings import PROJECT
from tests.e2e.cli import Cli
from tests.workflows.stage import eventually

pytestmark = pytest.mark.slow

BENCH = json.dumps({"turns": 2, "result_bytes": 200, "latency_ms": 0})
DONE, WAITS = TaskState.TASK_STATE_COMPLETED, TaskState.TASK_STATE_INPUT_REQUIRED


@dataclass
class Service:
    """The service as a process, and a token for each kind of caller."""

    cli: Cli
    address: str
    token: str
    reader: str
    other: str

    def http(self, token: str | None = None) -> httpx.AsyncClient:
        """Return an HTTP client that brings a token."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        return httpx.AsyncClient(headers=headers, trust_env=False, timeout=60)

    async def card(self, agent: str) -> AgentCard:
        """Return an agent's card, as anybody gets it."""
        async with httpx.AsyncClient(trust_env=False) as http:
            return await A2ACardResolver(http, f"{self.address}/a2a/{agent}").get_agent_card()

    @asynccontextmanager
    async def client(
        self, agent: str, *, token: str | None = None, binding: str = "JSONRPC", stream: bool = True
    ) -> AsyncGenerator[Client]:
        """Connect to an agent with the official client."""
        async with self.http(token) as http:
            config = ClientConfig(
                streaming=stream, httpx_client=http, supported_protocol_bindings=[binding]
            )
            yield ClientFactory(config).create(await self.card(agent))


@pytest.fixture(scope="module")
def service(cli: Cli) -> Generator[Service]:
    """The service beside the stack that all tests of the command line share."""
    process = subprocess.Popen(
        [sys.executable, "starter.py", "a2a", "--port", "0", "--json"],
        cwd=PROJECT,
        env=cli.env(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    text = ""
    while not text.endswith("}\n"):
        line = process.stdout.readline()
        assert line, "the service did not start"
        text += line
    tokens = [
        cli("tokens", "add", name, "--scope", scope, "--tenant", tenant, "--json").json["token"]
        for name, scope, tenant in (
            ("caller", "read,start", "default"),
            ("reader", "read", "default"),
            ("stranger", "read,start", "other"),
        )
    ]
    yield Service(cli, json.loads(text)["address"], *tokens)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 0


def _message(text: str, message_id: str = "", **more: Any) -> SendMessageRequest:
    parts = more.pop("parts", None) or [new_text_part(text)]
    data = more.pop("data", None)
    made = Message(message_id=message_id or str(uuid4()), role=Role.ROLE_USER, parts=parts, **more)
    if data is not None:
        made.metadata.CopyFrom(ParseDict({"data": data}, Struct()))
    return SendMessageRequest(message=made)


async def _all(client: Client, request: SendMessageRequest) -> list[StreamResponse]:
    return [each async for each in client.send_message(request)]


async def _task(client: Client, request: SendMessageRequest) -> Task:
    return (await _all(client, request))[-1].task


@pytest.mark.requirement("C4.8:a2a-card")
async def test_each_agent_has_a_card_that_anybody_may_read(service: Service) -> None:
    """Its skill, its interfaces, its schemas, and that a token is needed; the rest is closed."""
    card = await service.card("auditor")
    async with httpx.AsyncClient(trust_env=False) as http:
        index = (await http.get(f"{service.address}/")).json()
        closed = await http.post(f"{service.address}/a2a/auditor", json={})
        wrong = await http.get(
            f"{service.address}/a2a/auditor/tasks/x", headers={"Authorization": "Bearer hf_x"}
        )

    params = MessageToDict(card.capabilities.extensions[0].params)
    assert (card.name, [skill.id for skill in card.skills]) == ("auditor", ["auditor"])
    assert params["inputs"] == ["ledger"]
    assert params["answer"]["type"] == "object"
    assert {each.protocol_binding for each in card.supported_interfaces} == {
        "JSONRPC",
        "HTTP+JSON",
    }
    assert card.security_schemes["token"].http_auth_security_scheme.scheme == "Bearer"
    assert "auditor" in {each["name"] for each in index["agents"]}
    assert (closed.status_code, wrong.status_code) == (401, 401)
    assert closed.headers["www-authenticate"] == "Bearer"


@pytest.mark.requirement("C4.8:a2a-task")
@pytest.mark.parametrize("binding", ["JSONRPC", "HTTP+JSON"])
async def test_a_message_starts_one_run_and_the_run_is_the_task(
    service: Service, binding: str
) -> None:
    """Sent twice under one id it is one task; it is got again by its id, in its own context."""
    request = _message(BENCH, context_id="conversation-1")
    async with service.client("bench", binding=binding, stream=False) as client:
        first = await _task(client, request)
        second = await _task(client, request)
        again = await client.get_task(GetTaskRequest(id=first.id))

    shown = service.cli("show", first.id, "--json").json
    assert (first.status.state, get_artifact_text(first.artifacts[0])) == (DONE, "done")
    assert first.id == second.id == again.id == shown["run_id"]
    assert first.context_id == again.context_id == "conversation-1"
    assert MessageToDict(again.metadata)["outcome"] == "completed"


@pytest.mark.requirement("C4.8:a2a-task")
async def test_a_key_is_one_message_of_one_agent(service: Service) -> None:
    """The same id with other words is refused; another agent's task is none here."""
    request = _message(BENCH, "one-id")
    async with service.client("bench", stream=False) as client:
        task = await _task(client, request)
        with pytest.raises(InvalidParamsError, match="was used before"):
            await _task(client, _message("something else", "one-id"))
    async with service.client("assistant", stream=False) as client:
        with pytest.raises(TaskNotFoundError):
            await client.get_task(GetTaskRequest(id=task.id))
        answer = await _task(client, _message("hello", "one-id"))

    assert answer.id != task.id
    assert answer.context_id == answer.id


@pytest.mark.requirement("C4.8:a2a-task")
async def test_a_client_of_the_version_before_is_understood(service: Service) -> None:
    """The same endpoint answers 0.3, and the card says so."""
    message: dict[str, Any] = {
        "messageId": "of-0.3",
        "role": "user",
        "parts": [{"kind": "text", "text": BENCH}],
    }
    call = {"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {"message": message}}
    async with service.http() as http:
        card = (await http.get(f"{service.address}/a2a/bench/.well-known/agent-card.json")).json()
        told = (await http.post(card["url"], json=call)).json()["result"]

    assert (card["protocolVersion"], card["preferredTransport"]) == ("0.3", "JSONRPC")
    assert (told["kind"], told["status"]["state"]) == ("task", "completed")
    assert told["artifacts"][0]["parts"][0]["text"] == "done"


@pytest.mark.requirement("C4.8:a2a-stream")
async def test_updates_are_streamed_until_the_task_has_ended(service: Service) -> None:
    """The task first, then its progress, then its answer, then its end."""
    async with service.client("bench") as client:
        news = await _all(client, _message(BENCH))

    kinds = [each.WhichOneof("payload") for each in news]
    states = [each.status_update.status.state for each in news if each.HasField("status_update")]
    assert (kinds[0], kinds[-2:]) == ("task", ["artifact_update", "status_update"])
    assert get_artifact_text(news[-2].artifact_update.artifact) == "done"
    assert set(states[:-1]) == {TaskState.TASK_STATE_WORKING}
    assert states[-1] == DONE
    turns = [MessageToDict(each.status_update.metadata).get("event") for each in news]
    said = [get_stream_response_text(each) for each in news]
    assert turns.count("turn") == 3
    assert {"state EXECUTING", "turn 3", "tool lookup"} < set(said)


@pytest.mark.requirement("C4.8:a2a-person")
async def test_what_a_run_asks_a_person_is_shown_and_no_message_answers_it(
    service: Service, tmp_path: Path
) -> None:
    """The stream ends with input-required; once a person has decided, the task goes on."""
    folder = str(tmp_path / "place")
    Place.made(tmp_path / "place")
    script = json.dumps({"drill": folder, "steps": [[["drill_wire", "a"]]]})
    request = _message(script, data={"drill": folder})
    async with service.client("drill") as client:
        news = await _all(client, request)
        task_id = news[0].task.id
        asked = news[-1].status_update.status
        with pytest.raises(UnsupportedOperationError, match="a person answers in Holdfast"):
            await _all(client, _message("approve", task_id=task_id))
        waiting = await client.get_task(GetTaskRequest(id=task_id))
        later = asyncio.create_task(_later(client, task_id))
        await asyncio.sleep(0.5)
        approved = await asyncio.to_thread(service.cli, "approve", task_id, "--by", "ada")
        onward = await asyncio.wait_for(later, 40)

    assert asked.state == waiting.status.state == WAITS
    assert "A person must decide: run drill_wire" in get_message_text(asked.message)
    assert approved.code == 0, approved.err
    assert onward[0].task.status.state == WAITS
    assert onward[-1].status_update.status.state == DONE


async def _later(client: Client, task_id: str) -> list[StreamResponse]:
    return [each async for each in client.subscribe(SubscribeToTaskRequest(id=task_id))]


@pytest.mark.requirement("C4.8:a2a-cancel")
async def test_a_task_is_cancelled_once(service: Service) -> None:
    """The run is cancelled; a task that has ended cannot be."""
    slow = json.dumps({"turns": 50, "result_bytes": 200, "latency_ms": 300})
    request = _message(slow)
    request.configuration.CopyFrom(SendMessageConfiguration(return_immediately=True))
    async with service.client("bench", stream=False) as client:
        task = await _task(client, request)

        async def begun() -> bool:
            state = (await client.get_task(GetTaskRequest(id=task.id))).status.state
            return state == TaskState.TASK_STATE_WORKING

        await eventually(begun)
        cancelled = await client.cancel_task(CancelTaskRequest(id=task.id))
        with pytest.raises(TaskNotCancelableError):
            await client.cancel_task(CancelTaskRequest(id=task.id))

    assert task.status.state in {
        TaskState.TASK_STATE_SUBMITTED,
        TaskState.TASK_STATE_WORKING,
    }
    assert cancelled.status.state == TaskState.TASK_STATE_CANCELED


@pytest.mark.requirement("C4.8:a2a-bad")
async def test_what_cannot_be_is_an_error_of_the_protocol(service: Service) -> None:
    """Files, wrong inputs, an unknown task, push: each has its own error, in words."""
    file = Part(raw=b"x", media_type="application/pdf")
    wrong: list[tuple[SendMessageRequest, type[A2AError], str]] = [
        (_message("", parts=[file]), ContentTypeNotSupportedError, "a part is a file"),
        (_message(" "), InvalidParamsError, "task"),
        (_message("x", data={"ledger": 1}), InvalidParamsError, "metadata.data.ledger"),
        (_push(), PushNotificationNotSupportedError, "not supported"),
    ]
    async with service.client("bench", stream=False) as client:
        for request, error, said in wrong:
            with pytest.raises(error, match=said):
                await _all(client, request)
        with pytest.raises(TaskNotFoundError):
            await client.get_task(GetTaskRequest(id="no-such-run"))


def _push() -> SendMessageRequest:
    request = _message("x")
    request.configuration.task_push_notification_config.url = "http://127.0.0.1:9/"
    return request


@pytest.mark.requirement("C4.8:a2a-token")
async def test_a_token_bounds_what_its_caller_may_do(service: Service) -> None:
    """One that reads cannot start, and another tenant's tasks are not there."""
    part = new_data_part({"turns": 1, "result_bytes": 100, "latency_ms": 0})
    request = _message("", parts=[part])
    async with service.client("bench", token=service.reader, stream=False) as reader:
        with pytest.raises(UnsupportedOperationError, match="lacks the scope 'start'"):
            await _all(reader, request)
    async with service.client("bench", stream=False) as client:
        task = await _task(client, request)
    async with service.client("bench", token=service.other, stream=False) as stranger:
        with pytest.raises(TaskNotFoundError):
            await stranger.get_task(GetTaskRequest(id=task.id))

    assert task.status.state == DONE
