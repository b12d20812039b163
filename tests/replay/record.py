"""Records the histories that `test_replay.py` replays: `make histories`.

Each case is a run of the code as it is. A change of behaviour goes through `workflow.patched` and
gains a case of its own; the old files stay, since such runs may be under way.
"""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.audit import AuditActivities
from domain.spec import ApprovalPolicy
from runtime import server_binary
from runtime.database import Database
from runtime.devserver import SERVER_FLAGS
from runtime.serving import activities_of
from runtime.settings import Settings
from runtime.storage import data_converter
from tests.fakes import Say, call, calls, refused
from tests.workflows import test_audit as audits
from tests.workflows.stage import Handle, Stage, agent
from tests.workflows.world import World, reading, writing

HERE = Path(__file__).parent
Case = Callable[[Stage], Awaitable[Handle]]
CASES: dict[str, Case] = {}


def case(record: Case) -> Case:
    """Register a case under its function's name: `<workflow>_<case>`."""
    CASES[record.__name__] = record
    return record


@case
async def agent_happy(stage: Stage) -> Handle:
    """A plan, parallel reads, a write, a refused answer, an answer."""
    tools = [reading(), writing(World(), idempotent=True)]
    script = [
        '{"steps": [{"action": "look", "tools": ["lookup"]}]}',
        calls(("lookup", {"key": "a"}), ("lookup", {"key": "b"}), ("put", {"item": "c"})),
        calls(("invented", {})),
        "",
        "done",
    ]
    await stage.play(agent(plan="checked", tools=tools), script)
    return await stage.start()


@case
async def agent_approval(stage: Stage) -> Handle:
    """A question that is modified, badly and well, one that is rejected, and an update."""
    pay = writing(World(), "pay", effect="irreversible")
    script = [call("pay", item="1"), call("pay", item="2"), "done"]
    await stage.play(agent(tools=[pay]), script)
    handle = await stage.start()
    first = await stage.asked(handle)
    await handle.signal("modify", {"arguments": {"item": 1}})
    await stage.until(handle, lambda status: status.ignored)
    await stage.decide(handle, verdict="modify", arguments={"item": "3"})
    await stage.until(handle, lambda s: s.question and s.question["id"] != first["id"])
    await handle.signal("reject", {"reason": "enough"})
    return handle


@case
async def agent_silence(stage: Stage) -> Handle:
    """A question that nobody answers, asked once more."""
    policy = ApprovalPolicy(timeout=timedelta(milliseconds=300), silence="escalate")
    pay = writing(World(), "pay", effect="irreversible")
    await stage.play(agent(tools=[pay], approvals=policy), [call("pay", item="1"), "done"])
    return await stage.start()


@case
async def agent_stopped(stage: Stage) -> Handle:
    """A key that is refused, and a retry."""
    await stage.play(agent(), [refused(), "done"])
    handle = await stage.start()
    await stage.stopped(handle)
    await handle.signal("retry")
    return handle


@case
async def agent_in_doubt(stage: Stage) -> Handle:
    """A write whose outcome is unknown, confirmed by a person."""
    put = writing(World(), trouble=[ConnectionError("gone")])
    await stage.play(agent(tools=[put]), [call("put", item="a"), "done"])
    handle = await stage.start()
    await stage.asked(handle)
    await handle.signal("approve")
    return handle


@case
async def agent_cancelled(stage: Stage) -> Handle:
    """A cancel that undoes two writes."""
    world = World()
    tools = [writing(world, compensate="take"), writing(world, "take")]
    await stage.play(agent(tools=tools), [call("put", item="1"), call("put", item="2"), refused()])
    handle = await stage.start()
    await stage.stopped(handle)
    await handle.cancel()
    return handle


@case
async def agent_miss(stage: Stage) -> Handle:
    """A worker that has to be told the conversation again."""
    await stage.play(agent(tools=[reading()]), [call("lookup", key="a"), refused(), "done"])
    handle = await stage.start()
    await stage.stopped(handle)
    await stage.restart()
    await handle.signal("retry")
    return handle


@case
async def agent_circles(stage: Stage) -> Handle:
    """A run that is turned round, and then stopped by a person."""

    def script(asked: object) -> Say:
        return call("lookup", key="again" if "circles" in str(asked) else "same")

    await stage.play(agent(tools=[reading()]), script)
    handle = await stage.start()
    await stage.asked(handle)
    await handle.signal("reject")
    return handle


@case
async def agent_refused(stage: Stage) -> Handle:
    """An input that goes to the dead letters."""
    await stage.play(agent(), [])
    return await stage.start_raw({})


@case
async def agent_continued(stage: Stage) -> Handle:
    """The last part of a run that continued as new."""
    script = [*(call("lookup", key=str(number)) for number in range(14)), "done"]
    await stage.play(agent(tools=[reading()]), script)
    return await stage.start()


@case
async def audit_filed(stage: Stage) -> Handle:
    """An audit with an unsure finding and a report that is filed."""
    return await _audit(stage, "B", confidence=0.7)


@case
async def audit_rejected(stage: Stage) -> Handle:
    """An audit of a ledger that is not there."""
    stage.more = activities_of(AuditActivities(Path("nowhere")))
    await stage.play(audits.AUDITOR, audits.auditor())
    return await audits.start(stage, "nowhere.csv")


async def _audit(stage: Stage, account: str, confidence: float) -> Handle:
    with TemporaryDirectory() as folder:
        stage.more = activities_of(AuditActivities(Path(folder) / "snapshots"))
        script = audits.auditor(lambda said: said | {"confidence": confidence})
        await stage.play(audits.AUDITOR, script)
        path = audits.ledger(Path(folder), account)
        handle = await audits.start(stage, path, min_confidence=0.9)
        first = await stage.asked(handle)
        await handle.signal("approve")
        await stage.until(handle, lambda s: s.question and s.question["id"] != first["id"])
        await handle.signal("approve")
        await stage.closed(handle)
    return handle


async def record(names: list[str]) -> None:
    """Run each case on a server of its own and write its history."""
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/holdfast.db")
        await database.migrate()
        server = await WorkflowEnvironment.start_local(
            dev_server_existing_path=str(server_binary.install(Settings.load())),
            dev_server_extra_args=[
                *SERVER_FLAGS,
                "--dynamic-config-value=limit.historyCount.suggestContinueAsNew=60",
            ],
            dev_server_log_level="error",
        )
        address = server.client.service_client.config.target_host
        client = await Client.connect(address, data_converter=data_converter(database))
        for name in names:
            stage = Stage(client, database, f"record-{uuid4().hex}", cached=100)
            handle = await CASES[name](stage)
            await stage.closed(handle)
            history = await handle.fetch_history()
            workflow, _, rest = name.partition("_")
            path = HERE / workflow / f"{rest}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(_impersonal(history.to_json()) + "\n", encoding="utf-8")
            await stage.stop()
            sys.stdout.write(f"{name}: {len(history.events)} events\n")
        await server.shutdown()
        await database.close()


def _impersonal(history: str) -> str:
    """Return a history without who recorded it, on which machine, and from which folder."""
    named = re.sub(r"\b\d+@[\w.-]+", "worker", history)
    return re.sub(r'("stackTrace": )"(?:[^"\\]|\\.)*"', r'\1""', named)


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1:] or list(CASES)))
