"""The Temporal UI over encrypted runs: a real browser, the real UI, the codec service."""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import expect
from starlette.applications import Starlette
from temporalio.client import Client
from temporalio.common import HeaderCodecBehavior
from temporalio.testing import WorkflowEnvironment

from agents.encrypted import use
from commands.codec.app import Terms, build
from commands.http.serving import server
from domain.run import Outcome
from runtime import server_binary
from runtime.database import Database
from runtime.devserver import SERVER_FLAGS
from runtime.encryption_columns import ColumnCipher
from runtime.encryption_files import KeyFile
from runtime.encryption_keys import KeyRing
from runtime.settings import Settings
from runtime.storage import data_converter
from runtime.tokens import Tokens
from tests.e2e.browser import CHROMIUM, Person, person
from tests.e2e.cli import free_port
from tests.e2e.test_ui import PROPOSED, asking
from tests.workflows.stage import Stage
from tests.workflows.world import World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not CHROMIUM,
        reason="no chromium, chromium-browser or google-chrome on PATH "
        "(Debian: apt-get install chromium)",
    ),
]

_PATIENCE_MS = 40_000  # every event of a page is a request of its own
NOTE = "the parcel for Mrs Quartzman never came"


@pytest.fixture(scope="module")
async def ui() -> AsyncGenerator[tuple[str, str]]:
    """A Temporal server with its UI: the addresses of both."""
    port = free_port()
    environment = await WorkflowEnvironment.start_local(
        ui=True,
        ui_port=port,
        dev_server_existing_path=str(server_binary.install(Settings.load())),
        dev_server_extra_args=list(SERVER_FLAGS),
        dev_server_log_level="error",
    )
    yield environment.client.service_client.config.target_host, f"http://127.0.0.1:{port}"
    await environment.shutdown()


@pytest.fixture(scope="module")
async def keyed(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Database]:
    """A database whose content, and whose runs' histories, are encrypted."""
    home = tmp_path_factory.mktemp("keyed")
    KeyFile(home / "keys.toml").new()
    ring = KeyRing(home / "keys.toml")
    database = Database(f"sqlite:///{home / 'holdfast.db'}", ring)
    await database.migrate()
    before = use(ColumnCipher(ring))
    yield database
    use(before)
    await database.close()


@pytest.fixture
async def stage(ui: tuple[str, str], keyed: Database, task_queue: str) -> AsyncGenerator[Stage]:
    """A stage on that server; its worker is stopped after the test."""
    client = await Client.connect(
        ui[0],
        data_converter=data_converter(keyed),
        header_codec_behavior=HeaderCodecBehavior.CODEC,
    )
    stage = Stage(client, keyed, task_queue)
    yield stage
    await stage.stop()


@asynccontextmanager
async def served(app: Starlette, listening: socket.socket) -> AsyncGenerator[None]:
    """Serve an application until the context ends."""
    serving = server(app)
    task = asyncio.create_task(serving.serve(sockets=[listening]))
    yield
    serving.should_exit = True
    await task


@pytest.fixture
async def codec(ui: tuple[str, str], keyed: Database) -> AsyncGenerator[str]:
    """The codec service for that UI: its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    terms = Terms(origins=(ui[1],), namespace="default", tenants=("default",), address=address)
    async with served(build(keyed, terms), listening):
        yield address


async def point_at(visitor: Person, codec: str) -> None:
    """Enter the codec into the UI's settings, as a person does."""
    await visitor.page.goto(f"{visitor.ui}/namespaces/default/workflows")
    await visitor.page.get_by_test_id("data-encoder-status").first.click()
    await visitor.page.get_by_placeholder("Paste your endpoint here").fill(codec)
    await visitor.page.get_by_text("Include cross-origin credentials").click()
    await visitor.page.get_by_role("button", name="Apply").click()


async def history_of(stage: Stage, run_id: str) -> bytes:
    """Return what the server has of a run."""
    history = await stage.client.get_workflow_handle(run_id).fetch_history()
    return b"".join(event.SerializeToString() for event in history.events)


async def give(visitor: Person, codec: str, token: str) -> None:
    """Give the browser a token."""
    await visitor.page.goto(codec)
    await visitor.page.get_by_label("Token").fill(token)
    await visitor.page.get_by_role("button", name="Keep it").click()


@pytest.mark.requirement("C6.6:codec")
async def test_the_ui_shows_a_run_to_whom_a_token_was_given_and_to_nobody_else(
    ui: tuple[str, str], stage: Stage, keyed: Database, codec: str
) -> None:
    """Without one: ciphertext. With one: the run's page as ever, and its answers are accepted."""
    world = World()
    run_id = await asking(stage, world, note=NOTE)
    token, text = await Tokens(keyed).add(name="maria", tenant="default", scopes=("read",))
    _, other = await Tokens(keyed).add(name="eve", tenant="acme", scopes=("read",))
    async with person(ui[1]) as visitor:
        page = visitor.page
        expect.set_options(timeout=_PATIENCE_MS)
        page.set_default_timeout(_PATIENCE_MS)
        await point_at(visitor, codec)
        await page.goto(f"{ui[1]}/namespaces/default/workflows/{run_id}")

        await expect(
            page.locator("#content").get_by_text("Codec Server could not connect")
        ).to_be_visible()
        await expect(page.get_by_text("encryption-key-id").first).to_be_visible()
        assert "complaint about order" not in await page.inner_text("body")

        await give(visitor, codec, other)
        await expect(page.get_by_text("unknown, revoked or expired")).to_be_visible()
        await give(visitor, codec, text)
        await expect(page.get_by_text("This browser reads as maria")).to_be_visible()
        details = await visitor.read(run_id, shows="Decision needed: run refund")

        await expect(details.get_by_text(re.compile(NOTE)).first).to_be_visible()
        await visitor.send(run_id, "approve", {"reason": "it is her due", "by": "Maria"})
        result = await stage.result(stage.client.get_workflow_handle(run_id))

        assert result.outcome is Outcome.COMPLETED
        assert [(made.by, made.reason) for made in result.decisions] == [("Maria", "it is her due")]
        raw = await history_of(stage, run_id)
        for words in (NOTE, "it is her due", "complaint about order", str(PROPOSED["order"])):
            assert words.encode() not in raw

        await Tokens(keyed).revoke(token.id)
        await page.goto(f"{ui[1]}/namespaces/default/workflows/{run_id}")
        await expect(page.get_by_text("encryption-key-id").first).to_be_visible()
        assert "complaint about order" not in await page.inner_text("body")


@pytest.mark.requirement("C6.6:codec")
async def test_a_signal_in_the_clear_is_taken_too(ui: tuple[str, str], stage: Stage) -> None:
    """From a UI that was told of no codec, an answer with JSON works as ever."""
    run_id = await asking(stage, World(), note=NOTE)
    async with person(ui[1]) as visitor:
        visitor.page.set_default_timeout(_PATIENCE_MS)
        said = {"reason": "no such parcel", "by": "Maria"}
        await visitor.send(run_id, "reject", said, listed=False)
        result = await stage.result(stage.client.get_workflow_handle(run_id))

    assert [(made.verdict, made.reason) for made in result.decisions] == [
        ("reject", "no such parcel")
    ]
