"""Runs whose histories are encrypted: nothing to read at the server, and none lost by a key."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from temporalio import activity, workflow
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import HeaderCodecBehavior, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from agents.encrypted import use
from agents.toolkit import Tool, ToolContext, ToolError, tool
from commands import history as histories
from commands import verify
from domain.run import AgentResult, Outcome
from runtime import encryption_keys
from runtime.database import Database
from runtime.encryption import Key
from runtime.encryption_columns import ColumnCipher
from runtime.encryption_files import KeyFile
from runtime.encryption_keys import KeyRing, written
from runtime.encryption_runs import runs_under
from runtime.encryption_waiting import WaitForKeys
from runtime.storage import data_converter
from tests.fakes import call, refused
from tests.workflows.stage import Handle, Stage, agent, eventually, replayer

SECRETS = ("QuartzTask", "QuartzArgument", "QuartzResult", "QuartzReason", "QuartzAnswer")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with one key, which is looked at each time."""
    monkeypatch.setattr(encryption_keys, "_LOOK_EVERY_S", 0)
    KeyFile(tmp_path / "keys.toml").new("first")
    return tmp_path / "keys.toml"


Connected = Callable[[Path | None], Any]


@pytest.fixture
async def connected(client: Client, tmp_path: Path) -> AsyncGenerator[Connected]:
    """What returns a client and the one database, with the keys of a file."""
    opened: list[Database] = []

    async def connect(keys: Path | None) -> tuple[Client, Database]:
        ring = KeyRing(keys) if keys else None
        database = Database(f"sqlite:///{tmp_path / 'holdfast.db'}", ring)
        await database.migrate()
        opened.append(database)
        made = await Client.connect(
            client.service_client.config.target_host,
            data_converter=data_converter(database),
            header_codec_behavior=HeaderCodecBehavior.CODEC,
        )
        return made, database

    before = use(ColumnCipher(None))
    yield connect
    use(before)
    for database in opened:
        await database.close()


def lookup(done: list[str]) -> Tool:
    """Return a tool that fails once, in words that nobody else should read."""

    @tool(effect="write")
    async def note(context: ToolContext, words: str) -> str:
        """Note words.

        Args:
            context: Of the call.
            words: Which.
        """
        done.append(words)
        if len(done) == 1:
            raise ToolError("QuartzReason: it cannot be noted")
        return f"QuartzResult of {words}"

    return note


def add(path: Path, key_id: str) -> str:
    """Let another key encrypt; return what the file held before."""
    before, keys = path.read_text(), KeyFile(path).keys
    old = [
        Key(k.id, k.material, k.made_at, datetime(2026, 1, 1, tzinfo=UTC)) for k in keys.values()
    ]
    new = Key(key_id, bytes(range(32)), datetime.now(UTC), datetime(2026, 1, 2, tzinfo=UTC))
    path.write_text(written({key.id: key for key in (*old, new)}))
    return before


def put(path: Path, content: str | Path) -> Path:
    """Write a file that only its owner reads: this content, or that of another file."""
    path.touch(0o600)
    path.write_text(content.read_text() if isinstance(content, Path) else content)
    return path


async def raw(stage: Stage, handle: Handle) -> bytes:
    """Return everything that the server has of a run."""
    request = DescribeWorkflowExecutionRequest(namespace="default")
    request.execution.workflow_id = handle.id
    described = await stage.client.workflow_service.describe_workflow_execution(request)
    history = await handle.fetch_history()
    events = b"".join(event.SerializeToString() for event in history.events)
    return events + described.SerializeToString()


@pytest.mark.requirement("C6.6:run", "C6.6:failures")
async def test_a_run_leaves_nothing_to_read_at_the_server(
    connected: Connected, path: Path, task_queue: str
) -> None:
    """Task, arguments, results, failures, answers, decisions; and its chain can be verified."""
    client, database = await connected(path)
    stage, done = Stage(client, database, task_queue), list[str]()
    script = [
        call("note", words="QuartzArgument"),
        call("note", words="QuartzArgument again"),
        refused("401: QuartzReason"),
        "QuartzAnswer",
    ]
    await stage.play(agent(tools=[lookup(done)]), script)

    handle = await stage.start("QuartzTask")
    await stage.stopped(handle)
    await handle.signal("retry", {"reason": "QuartzReason", "by": "Maria"})
    result = await stage.result(handle)
    seen = await raw(stage, handle)
    legs = [histories.Leg("only", list((await handle.fetch_history()).events))]
    trail = await verify.walked(client.data_converter, legs)
    await replayer(client).replay_workflow(await handle.fetch_history())
    await stage.stop()

    assert (result.outcome, result.answer) == (Outcome.COMPLETED, "QuartzAnswer")
    assert [word for word in (*SECRETS, "Quartz", "Maria") if word.encode() in seen] == []
    assert trail.breaks == []
    assert trail.calls == 4  # the refused one among them


@pytest.mark.requirement("C6.6:mixed")
async def test_a_run_that_began_in_the_clear_ends_encrypted(
    connected: Connected, path: Path, task_queue: str
) -> None:
    """Keys are set while it waits: it replays what was, and what follows is sealed."""
    client, database = await connected(None)
    stage = Stage(client, database, task_queue)
    await stage.play(agent(), [refused("no"), "QuartzAnswer"])
    handle = await stage.start("QuartzTask")
    await stage.stopped(handle)

    stage.client, stage.database = await connected(path)
    await stage.restart()
    handle = stage.client.get_workflow_handle(handle.id)
    await handle.signal("retry")
    result = await stage.result(handle)
    seen = await raw(stage, handle)
    await stage.stop()

    assert result.answer == "QuartzAnswer"
    assert b"QuartzTask" in seen
    assert b"QuartzAnswer" not in seen


@pytest.mark.requirement("C6.6:waits")
async def test_a_run_waits_for_a_key_that_its_worker_lacks(
    connected: Connected, path: Path, tmp_path: Path, task_queue: str
) -> None:
    """Its tasks are tried again, it does not fail, and goes on when the key is there."""
    before = add(path, "second")
    starter, database = await connected(path)
    lacking = put(tmp_path / "lacking.toml", before)
    client, _ = await connected(lacking)
    stage = Stage(client, database, task_queue)
    await stage.play(agent(), ["QuartzAnswer"])
    handle = await Stage(starter, database, task_queue, agents=stage.agents).start("QuartzTask")

    async def tried_again() -> bool:
        found = await handle.describe()
        return found.raw_description.pending_workflow_task.attempt > 1

    await eventually(tried_again)
    put(lacking, path)
    result = await asyncio.wait_for(
        starter.get_workflow_handle(handle.id, result_type=AgentResult).result(), 30
    )
    await stage.stop()

    assert (result.outcome, result.answer) == (Outcome.COMPLETED, "QuartzAnswer")
    assert len(stage.provider.sold) == 1


@activity.defn
async def write(words: str) -> str:
    """Write, once."""
    return f"written: {words}"


@activity.defn
async def read(words: str) -> str:
    """Read."""
    return f"read: {words}"


@workflow.defn(sandboxed=False)
class Elsewhere:
    """Has both done on another queue, the write with one attempt."""

    @workflow.run
    async def run(self, queue: str) -> list[str]:
        """Return what came of them."""
        try:
            done = await workflow.execute_activity(
                write,
                "QuartzArgument",
                task_queue=queue,
                start_to_close_timeout=timedelta(seconds=10),
                retry_policy=RetryPolicy(maximum_attempts=1),
            )
        except ActivityError as error:
            cause = error.cause
            assert isinstance(cause, ApplicationError)
            done = f"{cause.type}: {cause.details[0]['sent']}, {cause.details[0]['wait_s']}"
        seen = await workflow.execute_activity(
            read, "QuartzArgument", task_queue=queue, start_to_close_timeout=timedelta(seconds=10)
        )
        return [done, seen]


@pytest.mark.requirement("C6.6:waits")
async def test_an_activity_is_put_off_and_not_begun_where_its_key_is_missing(
    connected: Connected,
    path: Path,
    tmp_path: Path,
    task_queue: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A write that is tried once is refused as not sent; others are tried again."""
    monkeypatch.setattr("runtime.encryption_waiting._AGAIN_IN", timedelta(seconds=0.2))
    before = add(path, "second")
    client, _ = await connected(path)
    lacking = put(tmp_path / "lacking.toml", before)
    blind, _ = await connected(lacking)
    other = f"{task_queue}-other"
    flow = Worker(
        client,
        task_queue=task_queue,
        workflows=[Elsewhere],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    activities = Worker(
        blind,
        task_queue=other,
        activities=[write, read],
        interceptors=[WaitForKeys({"write"})],
    )
    async with flow, activities:
        handle = await client.start_workflow(
            Elsewhere.run, other, id=task_queue, task_queue=task_queue
        )

        async def tried_again() -> bool:
            found = await handle.describe()
            return any(each.attempt > 1 for each in found.raw_description.pending_activities)

        await eventually(tried_again)
        put(lacking, path)
        done, seen = await asyncio.wait_for(handle.result(), 30)

    assert done == "Paused: False, 0.2"
    assert seen == "read: QuartzArgument"


@workflow.defn(sandboxed=False)
class Told:
    """Fails in words, and keeps a memo."""

    @workflow.run
    async def run(self) -> None:
        """Fail."""
        try:
            raise ValueError("QuartzReason below")  # noqa: TRY301 - the cause is what is looked at
        except ValueError as error:
            raise ApplicationError("QuartzReason above", "QuartzDetail", type="Told") from error


@pytest.mark.requirement("C6.6:failures")
async def test_memos_summaries_and_causes_are_sealed(
    connected: Connected, path: Path, task_queue: str
) -> None:
    """What a starter attaches, and all of a failure; whoever has the keys reads it as ever."""
    client, database = await connected(path)
    async with Worker(
        client,
        task_queue=task_queue,
        workflows=[Told],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        handle = await client.start_workflow(
            Told.run,
            id=task_queue,
            task_queue=task_queue,
            memo={"note": "QuartzMemo"},
            static_summary="QuartzSummary",
            static_details="QuartzDetails",
        )
        with pytest.raises(WorkflowFailureError) as failed:
            await asyncio.wait_for(handle.result(), 30)
    seen = await raw(Stage(client, database, task_queue), handle)
    closing = (await handle.fetch_history()).events[-1]
    failure = closing.workflow_execution_failed_event_attributes.failure

    assert b"Quartz" not in seen
    assert failure.application_failure_info.type == "Told"
    assert "QuartzReason above" in str(failed.value.cause)
    assert await histories.reason(client.data_converter, failure) == "QuartzReason below"
    assert await (await handle.describe()).memo() == {"note": "QuartzMemo"}


@pytest.mark.requirement("C6.6:retire")
async def test_a_key_is_needed_while_the_server_has_a_run_of_its_time(
    connected: Connected, path: Path, task_queue: str
) -> None:
    """By the moment at which it began, or by the key that its first event names."""
    client, _ = await connected(path)
    # No word that another run's input may have: a key is looked for by its name.
    key_id, unused = (f"k-{uuid4().hex[:8]}" for _ in range(2))
    add(path, key_id)
    handle = await client.start_workflow("Nobody", "QuartzTask", id=task_queue, task_queue="nobody")

    async def listed() -> list[str]:
        early = datetime(2020, 1, 1, tzinfo=UTC)
        return [found async for found in runs_under(client, key_id, early)]

    later = await eventually(listed)
    now = [found async for found in runs_under(client, unused, datetime.now(UTC))]
    never = [found async for found in runs_under(client, unused, None)]
    await handle.terminate()

    assert later == [handle.id]
    assert handle.id in now
    assert never == []
