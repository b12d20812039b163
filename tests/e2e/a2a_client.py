"""The A2A service as a process, and its official client."""

import json
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from a2a.client import A2ACardResolver, Client, ClientConfig, ClientFactory
from a2a.helpers import new_text_part
from a2a.types.a2a_pb2 import AgentCard, Message, Role, SendMessageRequest, StreamResponse, Task
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from runtime.settings import PROJECT
from tests.e2e.cli import Cli


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


@contextmanager
def serving(cli: Cli) -> Generator[Service]:
    """Run the service beside the stack that all tests of the command line share."""
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


def message(text: str, message_id: str = "", **more: Any) -> SendMessageRequest:
    """Return a message to an agent; `data` are inputs of its tools."""
    parts = more.pop("parts", None) or [new_text_part(text)]
    data = more.pop("data", None)
    made = Message(message_id=message_id or str(uuid4()), role=Role.ROLE_USER, parts=parts, **more)
    if data is not None:
        made.metadata.CopyFrom(ParseDict({"data": data}, Struct()))
    return SendMessageRequest(message=made)


async def every(client: Client, request: SendMessageRequest) -> list[StreamResponse]:
    """Send a message and return all that comes back."""
    return [each async for each in client.send_message(request)]


async def task_of(client: Client, request: SendMessageRequest) -> Task:
    """Send a message and return the task as it was last told."""
    return (await every(client, request))[-1].task
