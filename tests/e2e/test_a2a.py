"""The A2A service with the official client: cards, tasks, updates, and what no message answers."""

import asyncio
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.client import Client
from a2a.helpers import (
    get_artifact_text,
    get_message_text,
    get_stream_response_text,
    new_data_part,
)
from a2a.types.a2a_pb2 import (
    CancelTaskRequest,
    GetTaskRequest,
    Part,
    SendMessageConfiguration,
    SendMessageRequest,
    StreamResponse,
    SubscribeToTaskRequest,
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
from google.protobuf.json_format import MessageToDict

from agents.drill.place import Place
from tests.e2e.a2a_client import Service, every, message, serving, task_of
from tests.e2e.cli import Cli
from tests.workflows.stage import eventually

pytestmark = pytest.mark.slow

BENCH = json.dumps({"turns": 2, "result_bytes": 200, "latency_ms": 0})
DONE, WAITS = TaskState.TASK_STATE_COMPLETED, TaskState.TASK_STATE_INPUT_REQUIRED


@pytest.fixture(scope="module")
def service(cli: Cli) -> Generator[Service]:
    """The service, for all tests here."""
    with serving(cli) as running:
        yield running


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
    request = message(BENCH, context_id="conversation-1")
    async with service.client("bench", binding=binding, stream=False) as client:
        first = await task_of(client, request)
        second = await task_of(client, request)
        again = await client.get_task(GetTaskRequest(id=first.id))

    shown = service.cli("show", first.id, "--json").json
    assert (first.status.state, get_artifact_text(first.artifacts[0])) == (DONE, "done")
    assert first.id == second.id == again.id == shown["run_id"]
    assert first.context_id == again.context_id == "conversation-1"
    assert MessageToDict(again.metadata)["outcome"] == "completed"


@pytest.mark.requirement("C4.8:a2a-task")
async def test_a_key_is_one_message_of_one_agent(service: Service) -> None:
    """The same id with other words is refused; another agent's task is none here."""
    request = message(BENCH, "one-id")
    async with service.client("bench", stream=False) as client:
        task = await task_of(client, request)
        with pytest.raises(InvalidParamsError, match="was used before"):
            await task_of(client, message("something else", "one-id"))
    async with service.client("assistant", stream=False) as client:
        with pytest.raises(TaskNotFoundError):
            await client.get_task(GetTaskRequest(id=task.id))
        answer = await task_of(client, message("hello", "one-id"))

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
        news = await every(client, message(BENCH))

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
    request = message(script, data={"drill": folder})
    async with service.client("drill") as client:
        news = await every(client, request)
        task_id = news[0].task.id
        asked = news[-1].status_update.status
        with pytest.raises(UnsupportedOperationError, match="a person answers in Holdfast"):
            await every(client, message("approve", task_id=task_id))
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
    request = message(slow)
    request.configuration.CopyFrom(SendMessageConfiguration(return_immediately=True))
    async with service.client("bench", stream=False) as client:
        task = await task_of(client, request)

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
        (message("", parts=[file]), ContentTypeNotSupportedError, "a part is a file"),
        (message(" "), InvalidParamsError, "task"),
        (message("x", data={"ledger": 1}), InvalidParamsError, "metadata.data.ledger"),
        (_push(), PushNotificationNotSupportedError, "not supported"),
    ]
    async with service.client("bench", stream=False) as client:
        for request, error, said in wrong:
            with pytest.raises(error, match=said):
                await every(client, request)
        with pytest.raises(TaskNotFoundError):
            await client.get_task(GetTaskRequest(id="no-such-run"))


def _push() -> SendMessageRequest:
    request = message("x")
    request.configuration.task_push_notification_config.url = "http://127.0.0.1:9/"
    return request


@pytest.mark.requirement("C4.8:a2a-token")
async def test_a_token_bounds_what_its_caller_may_do(service: Service) -> None:
    """One that reads cannot start, and another tenant's tasks are not there."""
    part = new_data_part({"turns": 1, "result_bytes": 100, "latency_ms": 0})
    request = message("", parts=[part])
    async with service.client("bench", token=service.reader, stream=False) as reader:
        with pytest.raises(UnsupportedOperationError, match="lacks the scope 'start'"):
            await every(reader, request)
    async with service.client("bench", stream=False) as client:
        task = await task_of(client, request)
    async with service.client("bench", token=service.other, stream=False) as stranger:
        with pytest.raises(TaskNotFoundError):
            await stranger.get_task(GetTaskRequest(id=task.id))

    assert task.status.state == DONE
