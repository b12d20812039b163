"""Two copies of the service on real ports, one stack, and programs with tokens."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from temporalio.client import Client
from uvicorn import Server

from commands.http.app import build
from commands.http.hooks import Webhook
from commands.http.service import Service
from commands.http.serving import server
from commands.session import Session
from domain.access import SCOPES
from runtime.database import Database
from runtime.settings import Settings
from runtime.tokens import Tokens
from tests.workflows.stage import Handle, Stage

ALL: tuple[str, ...] = SCOPES


@dataclass
class House:
    """One copy that listens; what it works with changes from test to test."""

    serving: Server
    address: str

    def work_with(self, service: Service) -> None:
        """Give it another stack."""
        app: Any = self.serving.config.app
        app.state.service = service


@dataclass
class Copies:
    """What a test has: a stage, and the service twice.

    Attributes:
        stage: The worker behind the service, and the server's side of runs.
        http: A client without a token for each copy.
        service: What the first copy works with.
    """

    stage: Stage
    http: list[httpx.AsyncClient]
    service: Service
    houses: list[House] = field(default_factory=list[House])
    programs: list[httpx.AsyncClient] = field(default_factory=list[httpx.AsyncClient])

    async def token(
        self,
        name: str = "ada",
        tenant: str = "default",
        scopes: tuple[str, ...] = ALL,
        *,
        days: int = 1,
        workflows: tuple[str, ...] = (),
    ) -> str:
        """Return a new token's text."""
        until = datetime.now(UTC) + timedelta(days=days)
        _, text = await Tokens(self.stage.database).add(
            name=name, tenant=tenant, scopes=scopes, workflows=workflows, expires_at=until
        )
        return text

    async def program(self, copy: int = 0, **token: Any) -> httpx.AsyncClient:
        """Return a client of one copy that comes in with a token of its own."""
        text = await self.token(**token)
        client = self.http[copy]
        made = httpx.AsyncClient(
            base_url=client.base_url, headers={"Authorization": f"Bearer {text}"}, trust_env=False
        )
        made.timeout = httpx.Timeout(30)
        self.programs.append(made)
        return made

    def handle(self, run_id: str) -> Handle:
        """Return the server's side of a run."""
        return self.stage.client.get_workflow_handle(run_id)

    def serve(self, **changes: Any) -> None:
        """Let both copies work with something else."""
        for house in self.houses:
            house.work_with(replace(self.service, **changes))


@pytest.fixture(scope="session")
async def houses() -> AsyncGenerator[list[House]]:
    """Two copies that listen."""
    nothing: Any = None
    found: list[House] = []
    tasks: list[asyncio.Task[None]] = []
    for _ in range(2):
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        serving = server(build(nothing))
        tasks.append(asyncio.create_task(serving.serve(sockets=[listening])))
        found.append(House(serving, f"http://127.0.0.1:{listening.getsockname()[1]}"))
    yield found
    for house in found:
        house.serving.should_exit = True
    await asyncio.gather(*tasks)


@pytest.fixture
async def copies(
    houses: list[House], client: Client, database: Database, settings: Settings, task_queue: str
) -> AsyncGenerator[Copies]:
    """Both copies on a stage of this test's own."""
    stage = Stage(client, database, task_queue)
    own = settings.model_copy(update={"task_queue": task_queue})
    services = [Service(Session(own, database, client)) for _ in houses]
    for house, service in zip(houses, services, strict=True):
        house.work_with(service)
    http = [httpx.AsyncClient(base_url=house.address, trust_env=False) for house in houses]
    copies = Copies(stage, http, services[0], houses)
    yield copies
    for each in (*http, *copies.programs):
        await each.aclose()
    await stage.stop()


def start(task: str = "do it", **given: Any) -> dict[str, Any]:
    """Return the body that starts an agent."""
    return {"workflow": "agent", "input": {"agent": "bench", "task": task} | given}


def key(text: str) -> dict[str, str]:
    """Return the header that makes a start one."""
    return {"Idempotency-Key": text}


def hook(name: str = "orders", **changes: Any) -> Webhook:
    """Return a webhook that starts an agent on what was delivered."""
    fields: dict[str, Any] = {
        "name": name,
        "workflow": "agent",
        "tenant": "default",
        "keys": (b"a secret of sixteen bytes or more",),
        "tolerance_s": 300,
        "template": {"agent": "bench", "task": "order {{order.id}}"},
    }
    return Webhook(**fields | changes)
