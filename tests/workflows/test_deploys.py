"""Deploys: a worker is exchanged for one with other code while runs wait for a person."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError
from temporalio.worker import Worker

from agents.toolkit import Agent
from commands.replaying.offered import Offer
from commands.replaying.replayed import Replaying
from commands.replaying.verdict import Fate, Run, Verdict
from commands.session import Session
from commands.stuck import Stuck, stuck
from domain.run import Outcome
from runtime.database import Database
from runtime.deployments import Deployments, after_reset
from runtime.settings import Settings
from runtime.versioning import identity, pinning
from tests.fakes import Asked, Step, call
from tests.workflows import stage as staging
from tests.workflows.stage import Handle, Stage, agent, eventually
from tests.workflows.world import PATIENT, World, writing
from workflows import WORKFLOWS
from workflows.folding import Folding


def script(asked: Asked) -> Step:
    """Pay, then answer: whichever run asks."""
    return "done" if asked.results else call("pay", item="10")


def payer(world: World, name: str = "tester") -> Agent:
    """Return an agent that asks before it pays."""
    pay = writing(world, "pay", effect="irreversible", idempotent=True)
    return agent(name, tools=[pay], approvals=PATIENT)


def change(monkeypatch: pytest.MonkeyPatch, *, guarded: bool) -> None:
    """Give every turn a new first step."""
    before = Folding.fold_if_due

    async def fold_if_due(self: Folding) -> None:
        if not guarded or workflow.patched("test-breathes"):
            await workflow.sleep(0.01)
        await before(self)

    monkeypatch.setattr(Folding, "fold_if_due", fold_if_due)


async def gate(stage: Stage, handle: Handle) -> Verdict:
    """Ask the gate about one open run."""
    specs = {tool.spec.name: tool.spec for each in stage.agents.values() for tool in each.tools}
    offer = Offer(stage.agents, specs, frozenset(each.__name__ for each in WORKFLOWS))
    events = [event async for event in handle.fetch_history_events()]
    return await Replaying(stage.client.data_converter, offer).verdict(Run(handle.id), events)


@pytest.mark.requirement("C6.5:patched")
async def test_a_run_goes_on_through_a_guarded_change(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate lets it through, it takes the old path, and what it paid is paid once."""
    world = World()
    await stage.play(payer(world), script)
    handle = await stage.start()
    await stage.asked(handle)
    await stage.stop()

    change(monkeypatch, guarded=True)
    verdict = await gate(stage, handle)
    await stage.serve()
    await handle.signal("approve")
    result = await stage.result(handle)

    assert verdict.fate is Fate.FITS
    assert (result.outcome, world.done) == (Outcome.COMPLETED, ["pay 10"])


@pytest.mark.requirement("C6.5:gate-rollback")
async def test_a_rollback_past_a_change_that_a_run_has_taken_is_named(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code of before does not know the change: its name is what a person has to search for."""
    with monkeypatch.context() as newer:
        change(newer, guarded=True)
        await stage.play(payer(World()), script)
        handle = await stage.start()
        await stage.asked(handle)
        await stage.stop()

    verdict = await gate(stage, handle)

    assert verdict.fate is Fate.WAITS
    assert "the change 'test-breathes', which this code does not have" in verdict.why[-1]


@pytest.mark.requirement("C6.5:waits-for-code")
async def test_a_run_that_meets_code_which_does_not_fit_is_named_and_loses_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unguarded, the change leaves it waiting; with the right code it goes on, and pays once."""
    world = World()
    await stage.play(payer(world), script)
    handle = await stage.start()
    await stage.asked(handle)
    await stage.stop()
    settings = Settings(task_queue=stage.queue)
    session = Session(settings, stage.database, stage.client)

    async def waiting() -> list[Stuck]:
        return await stuck(session)

    with monkeypatch.context() as hurried:
        change(hurried, guarded=False)
        named_before = await gate(stage, handle)
        await stage.serve()
        await handle.signal("approve")
        found = await eventually(waiting)
        await stage.stop()
    assert world.done == []
    await stage.serve()
    closed = await eventually(lambda: _closed(handle))

    assert named_before.fate is Fate.WAITS
    assert [each.run_id for each in found] == [handle.id]
    assert "Nondeterminism" in found[0].reason
    assert closed is WorkflowExecutionStatus.COMPLETED
    assert world.done == ["pay 10"]


async def _closed(handle: Handle) -> WorkflowExecutionStatus | None:
    status = (await handle.describe()).status
    return None if status is WorkflowExecutionStatus.RUNNING else status


# --- versions


@pytest.fixture
async def builds(
    client: Client, database: Database, task_queue: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Callable[[str], "_Build"]]:
    """Return a stage for a build of one deployment; the agent `short` is pinned."""
    made: list[_Build] = []
    monkeypatch.setattr(staging, "Worker", _versioned)
    deployment = f"test-{uuid4().hex[:8]}"

    def build(name: str) -> _Build:
        stage = _Build(client, database, task_queue)
        stage.settings = Settings(deployment=deployment, build_id=name)
        made.append(stage)
        return stage

    yield build
    for stage in made:
        await stage.stop()


class _Build(Stage):
    """A stage whose worker is a version."""

    settings = Settings()

    def _new_worker(self) -> Worker:
        _serving.append(self.settings)
        return super()._new_worker()


_serving: list[Settings] = []


def _versioned(client: Client, **options: Any) -> Worker:
    settings = _serving.pop()
    runner = pinning(settings, options.pop("workflow_runner"), {"short"})
    return Worker(client, workflow_runner=runner, **options, **identity(settings))


async def served_by(handle: Handle) -> str:
    """Return the build that has last served a run."""
    found = await handle.describe()
    info = found.raw_description.workflow_execution_info
    return info.versioning_info.deployment_version.build_id


async def make_current(stage: _Build) -> Deployments:
    """Send runs to a stage's build as soon as the server knows it."""
    settings = stage.settings
    known = Deployments(stage.client, settings.deployment or "")

    async def done() -> bool:
        try:
            await known.make_current(settings.build_id or "", "test")
        except RPCError:
            return False
        return await known.current() == settings.build_id

    await eventually(done)
    return known


async def both(stage: Stage, world: World) -> tuple[Handle, Handle]:
    """Start a run of a pinned agent and one of another, and return them when they wait."""
    handles = [
        await stage.start_raw({"agent": name, "task": "do it"}) for name in ("short", "long")
    ]
    for handle in handles:
        await stage.asked(handle)
    assert world.done == []
    return handles[0], handles[1]


@pytest.mark.requirement("C6.5:auto-upgrade", "C6.5:pinned")
async def test_a_new_build_takes_over_all_but_the_pinned(builds: Callable[[str], "_Build"]) -> None:
    """Both builds serve: who waited goes on with the new one, the pinned run ends with the old."""
    world = World()
    long_one = payer(world, "long")
    agents = [replace(long_one, name="short"), long_one]
    old, new = builds("old"), builds("new")
    await old.play(agents, script)
    await make_current(old)
    short, long = await both(old, world)
    await new.play(agents, script)
    known = await make_current(new)
    pinned = await eventually(lambda: _pinned(known, "old"))

    await asyncio.gather(short.signal("approve"), long.signal("approve"))
    results = [await new.result(handle) for handle in (short, long)]

    assert pinned == [short.id]
    assert [result.outcome for result in results] == [Outcome.COMPLETED] * 2
    assert [await served_by(handle) for handle in (short, long)] == ["old", "new"]
    assert world.done == ["pay 10", "pay 10"]


@pytest.mark.requirement("C6.5:released")
async def test_a_pinned_run_whose_build_is_gone_is_released(
    builds: Callable[[str], "_Build"],
) -> None:
    """Its answer waits; released, or taken up again after its end, it goes on with the new one."""
    world = World()
    old, new = builds("old"), builds("new")
    await old.play([payer(world, "short")], script)
    await make_current(old)
    handle = await old.start()
    await old.asked(handle)
    await old.stop()
    await new.play([payer(world, "short")], script)
    known = await make_current(new)

    kept = after_reset(await handle.describe())
    await handle.signal("approve")
    left = await eventually(lambda: _pinned(known, "old"))
    await known.release(handle.id)
    result = await new.result(handle)

    assert left == [handle.id]
    assert (result.outcome, world.done) == (Outcome.COMPLETED, ["pay 10"])
    assert await served_by(handle) == "new"
    moved = kept[0].update_workflow_options.workflow_execution_options.versioning_override
    assert moved.auto_upgrade


async def _pinned(known: Deployments, build: str) -> list[str]:
    return [run_id async for run_id in known.pinned(build)]
