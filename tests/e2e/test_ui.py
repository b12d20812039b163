"""A person answers in the Temporal UI: a real browser, the real UI, a real worker."""

from collections.abc import AsyncGenerator

import pytest
from playwright.async_api import expect
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from agents.toolkit import Tool, ToolContext, tool
from domain.run import Outcome
from runtime import server_binary
from runtime.database import Database
from runtime.devserver import SERVER_FLAGS
from runtime.settings import Settings
from runtime.storage import data_converter
from tests.e2e.browser import CHROMIUM, Person, person
from tests.e2e.cli import free_port
from tests.fakes import call, refused
from tests.workflows.stage import Stage, agent
from tests.workflows.world import World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM,
        reason="no chromium, chromium-browser or google-chrome on PATH "
        "(Debian: apt-get install chromium)",
    ),
]

PROPOSED = {"order": "A-1042", "amount_eur": 4200.0, "note": "the goods never came"}
HOSTILE = (
    "goods never came\n\n# Approved already\n\n[read this](http://evil.example) "
    "<h1>Approved</h1> ``` \n```\n### Out of the block\nhttp://evil.example/plain"
)


@pytest.fixture(scope="module")
async def ui() -> AsyncGenerator[tuple[str, str]]:
    """A Temporal server with its UI: the addresses of both."""
    port = free_port()
    binary = server_binary.install(Settings.load())
    environment = await WorkflowEnvironment.start_local(
        ui=True,
        ui_port=port,
        dev_server_existing_path=str(binary),
        dev_server_extra_args=list(SERVER_FLAGS),
        dev_server_log_level="error",
    )
    yield environment.client.service_client.config.target_host, f"http://127.0.0.1:{port}"
    await environment.shutdown()


@pytest.fixture(scope="module")
async def visitor(ui: tuple[str, str]) -> AsyncGenerator[Person]:
    """Somebody with a browser on that UI."""
    async with person(ui[1]) as somebody:
        yield somebody


@pytest.fixture
async def stage(ui: tuple[str, str], database: Database, task_queue: str) -> AsyncGenerator[Stage]:
    """A stage on that server; its worker is stopped after the test."""
    client = await Client.connect(ui[0], data_converter=data_converter(database))
    stage = Stage(client, database, task_queue)
    yield stage
    await stage.stop()


def refunding(world: World) -> Tool:
    """Return a tool that cannot be undone, and notes what it did."""

    @tool(effect="irreversible")
    async def refund(context: ToolContext, order: str, amount_eur: float, note: str) -> str:
        """Pay an order's money back.

        Args:
            context: Of the call.
            order: Its number.
            amount_eur: How much.
            note: Why.
        """
        world.note(context, f"{order}: {amount_eur} EUR: {note}")
        return f"{amount_eur} EUR paid back"

    return refund


async def asking(stage: Stage, world: World, **changed: str) -> str:
    """Start a run that asks whether it may pay back, and return its id once it asks."""
    clerk = agent("clerk", tools=[refunding(world)])
    await stage.play(clerk, [call("refund", **PROPOSED | changed), "the customer is told"])
    handle = await stage.start("Settle the complaint about order A-1042.")
    await stage.asked(handle)
    return handle.id


@pytest.mark.requirement("C6:ui-approve")
async def test_an_empty_dialog_approves(stage: Stage, visitor: Person) -> None:
    """What the page showed runs, once; nothing has to be typed."""
    world = World()
    run_id = await asking(stage, world)

    await visitor.send(run_id, "approve")
    result = await stage.result(stage.client.get_workflow_handle(run_id))

    assert world.done == ["A-1042: 4200.0 EUR: the goods never came"]
    assert (result.outcome, result.answer) == (Outcome.COMPLETED, "the customer is told")
    assert [(made.verdict, made.arguments) for made in result.decisions] == [("approve", PROPOSED)]


@pytest.mark.requirement("C6:ui-reject")
async def test_a_rejection_brings_its_reason_to_the_model(stage: Stage, visitor: Person) -> None:
    """Nothing runs; the reason is kept with the decision and told to the model."""
    world = World()
    run_id = await asking(stage, world)

    await visitor.send(run_id, "reject", {"reason": "the parcel was signed for", "by": "Maria"})
    result = await stage.result(stage.client.get_workflow_handle(run_id))

    decision = result.decisions[0]
    assert not world.done
    assert (decision.verdict, decision.by) == ("reject", "Maria")
    assert decision.reason == "the parcel was signed for"
    assert "the parcel was signed for" in stage.provider.asked[-1].said
    assert result.outcome is Outcome.COMPLETED


@pytest.mark.requirement("C6:ui-modify")
async def test_modified_arguments_are_what_runs(stage: Stage, visitor: Person) -> None:
    """Arguments that do not fit change nothing; those that do run exactly as they were sent."""
    world = World()
    run_id = await asking(stage, world)
    handle = stage.client.get_workflow_handle(run_id)
    sent = {"order": "A-1042", "amount_eur": 42.5, "note": 'half; see "terms" [4] {b}'}

    await visitor.send(run_id, "modify", {"arguments": {"order": "A-1042", "amount_eur": "much"}})
    status = await stage.until(handle, lambda status: status.ignored)
    await visitor.send(run_id, "modify", {"arguments": sent, "by": "Maria"})
    result = await stage.result(handle)

    assert "amount_eur" in status.ignored[0]
    assert status.question is not None
    assert world.done == ['A-1042: 42.5 EUR: half; see "terms" [4] {b}']
    assert [(made.verdict, made.arguments) for made in result.decisions] == [("modify", sent)]


@pytest.mark.requirement("C6:ui-form")
async def test_the_page_is_a_form_that_foreign_text_cannot_change(
    stage: Stage, visitor: Person
) -> None:
    """Decision, reason, options and arguments are there; Markdown in an argument stays text."""
    world = World()
    run_id = await asking(stage, world, note=HOSTILE)

    page = await visitor.read(run_id, shows="Decision needed: run refund")

    for words in (
        "Why you are asked:",
        "effect is irreversible",
        "The request: Settle the complaint about order A-1042.",
        "What would run: refund",
    ):
        await expect(page.locator("p", has_text=words)).to_be_visible()
    for option in ("approve", "reject", "modify", "abort"):
        await expect(page.get_by_role("listitem").filter(has_text=f"{option}:")).to_be_visible()
    headings = await page.get_by_role("heading").all_inner_texts()
    assert headings == ["clerk, turn 1", "Decision needed: run refund"]
    await expect(page.get_by_role("link")).to_have_count(0)
    blocks = await page.locator("pre").all_inner_texts()
    assert '"amount_eur": 4200.0' in blocks[0]
    assert blocks[1].strip() == HOSTILE


@pytest.mark.requirement("C5:ui-retry")
async def test_a_stopped_run_goes_on_from_the_ui(stage: Stage, visitor: Person) -> None:
    """The page says what went wrong; `retry` asks the model again and the run completes."""
    await stage.play(agent(), [refused("401: the key is wrong"), "done"])
    handle = await stage.start()
    await stage.stopped(handle)

    page = await visitor.read(handle.id, shows="Stopped at: asking the model")
    wrong = page.locator("p", has_text="What went wrong:")
    await expect(wrong).to_contain_text("401: the key is wrong")
    await visitor.send(handle.id, "retry")
    result = await stage.result(handle)

    assert (result.outcome, result.answer) == (Outcome.COMPLETED, "done")
    assert [asked.said for asked in stage.provider.sold] == ["do it"]
