"""One Temporal server for the session, one database, and a task queue for each test."""

import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from runtime import server_binary
from runtime.database import Database
from runtime.devserver import SERVER_FLAGS
from runtime.settings import Settings
from runtime.storage import data_converter
from tests import postgres
from tests.offline.server import OfflineServer
from tests.requirements import REQUIREMENTS


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a home folder that only this session uses."""
    return Settings(home=tmp_path_factory.mktemp("home"), metrics_port=0)


@pytest.fixture(scope="session")
async def database(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Database]:
    """A migrated SQLite database that the whole session shares."""
    path: Path = tmp_path_factory.mktemp("database") / "holdfast.db"
    database = Database(f"sqlite:///{path}")
    await database.migrate()
    yield database
    await database.close()


@pytest.fixture(scope="session")
def postgresql() -> Generator[str]:
    """The URL of an empty PostgreSQL of the session's own; skips where there is none."""
    found = postgres.programs()
    if found is None:
        pytest.skip("no PostgreSQL programs found (Debian: apt-get install postgresql)")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Not pytest's folder: PostgreSQL needs one that another user can reach.
    with TemporaryDirectory(prefix="holdfast-pg-") as home:
        cluster = postgres.Cluster(found, Path(home), port)
        cluster.start()
        yield f"postgresql://holdfast@127.0.0.1:{port}/postgres"
        cluster.stop()


@pytest.fixture(scope="session")
async def server() -> AsyncGenerator[WorkflowEnvironment]:
    """A Temporal server on a free port, with the settings of the embedded one."""
    binary = server_binary.install(Settings.load())
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(binary),
        dev_server_extra_args=list(SERVER_FLAGS),
        dev_server_log_level="error",
    )
    yield environment
    await environment.shutdown()


@pytest.fixture(scope="session")
async def client(server: WorkflowEnvironment, database: Database) -> Client:
    """A client of the session's server with the project's data converter."""
    return await Client.connect(
        server.client.service_client.config.target_host,
        data_converter=data_converter(database),
    )


@pytest.fixture(scope="session")
def _offline() -> Generator[OfflineServer]:
    with OfflineServer() as server:
        yield server


@pytest.fixture
def offline(_offline: OfflineServer) -> OfflineServer:
    """The session's offline model, well-behaved: each test clears its faults."""
    _offline.misbehave()
    return _offline


@pytest.fixture
def task_queue() -> str:
    """A task queue that no other test uses."""
    return f"test-{uuid4().hex}"


def pytest_configure(config: pytest.Config) -> None:
    """Let pass what the SDK leaves behind of a run whose input does not convert."""
    config.addinivalue_line(
        "filterwarnings", "ignore:coroutine '_WorkflowInstanceImpl.*:RuntimeWarning"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that names a promise which nobody made."""
    for item in items:
        for mark in item.iter_markers("requirement"):
            unknown = [each for each in mark.args if each not in REQUIREMENTS]
            if unknown:
                raise pytest.UsageError(
                    f"{item.nodeid}: unknown requirement {unknown}; tests/requirements.py has them"
                )
