"""What a deploy does to runs: a gate, workers replaced one by one, and the gate once more."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Final

from temporalio.client import WorkflowExecutionStatus

from bench.deploy.load import Phases, finish, parked, plans, play
from bench.deploy.workers import Build, Ran
from bench.drill.rig import Rig
from bench.drill.verdict import Verdict
from commands.stuck import stuck
from runtime.deployments import DeploymentNotFound, Deployments

# All runs that begin first have begun when the gates are asked.
_FIRST_S: Final = 22.0
_WEDGED_S: Final = 15.0
_LISTED_S: Final = 30.0


@dataclass
class Rollout:
    """What one rolling deploy came to.

    Attributes:
        before: The gate of the new build, asked while runs of the old one are under way.
        broken: The gate of the breaking build at the same time.
        codes: Exit codes of the old build's workers.
        seconds: From the first new worker's start to the last old worker's end.
        after: The gate of the new build over all runs when they have ended.
    """

    before: Ran
    broken: Ran
    codes: list[int] = field(default_factory=list[int])
    seconds: float = 0
    verdicts: list[Verdict] = field(default_factory=list[Verdict])
    after: Ran | None = None


async def roll(rig: Rig, builds: tuple[Build, Build, Build], count: int, seed: int) -> Rollout:
    """Replace the old build by the new one under a load; the third is only asked about."""
    old, new, broken = builds
    wanted = plans(count, seed, pinned=bool(old.deployment))
    phases = Phases()
    playing = asyncio.create_task(play(rig, wanted, phases, seed))
    try:
        await asyncio.sleep(_FIRST_S)
        # One after the other: the machine is busy enough.
        before = await new.run("replay", "--from-server", "--json")
        done = Rollout(before, await broken.run("replay", "--from-server", "--json"))
        phases.asked.set()
        began = time.monotonic()
        await (_versioned if old.deployment else _one_by_one)(old, new, phases, done)
        done.seconds = time.monotonic() - began
        phases.replaced.set()
        done.verdicts = await playing
    finally:
        playing.cancel()
    done.after = await new.run("replay", "--from-server", "--closed", "100000", "--json")
    return done


async def _one_by_one(old: Build, new: Build, phases: Phases, done: Rollout) -> None:
    """Replace workers as an orchestrator does that knows nothing of versions."""
    for child in old.workers:
        await new.add()
        phases.stopping.set()
        done.codes.append(await child.stop())


async def _versioned(old: Build, new: Build, phases: Phases, done: Rollout) -> None:
    """Start the new build beside the old one, send runs there, and stop what nobody needs."""
    for _ in old.workers:
        await new.add()
    await make_current(new)
    phases.stopping.set()
    phases.replaced.set()  # for pinned runs, whose answers would come after it, there is no after
    while (await new.run("deploys", "drain", old.name)).code:
        await asyncio.sleep(1)
    done.codes += await old.stop()


async def make_current(build: Build) -> None:
    """Make a build the current one as soon as the server knows it."""
    known = Deployments(build.rig.session.client, build.deployment)
    deadline = time.monotonic() + _LISTED_S
    while True:
        try:
            if build.name in {each.build for each in await known.versions()}:
                break
        except DeploymentNotFound:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"the server does not list the build {build.name!r}")
        await asyncio.sleep(0.2)
    await known.make_current(build.name, "the drill")


@dataclass
class Contrast:
    """What a breaking build does that was deployed all the same.

    Attributes:
        named: Runs that its gate names, of `count` that wait for a person.
        said: What the gate says of the first.
        ended: How many ended while only it was served.
        stuck: How many `doctor` names.
        verdicts: What became of them when code that fits was served again.
    """

    count: int
    gate: Ran
    named: int = 0
    said: str = ""
    ended: int = 0
    stuck: int = 0
    reason: str = ""
    verdicts: list[Verdict] = field(default_factory=list[Verdict])


async def contrast(rig: Rig, new: Build, broken: Build, count: int, seed: int) -> Contrast:
    """Serve the breaking build to runs of the new one, then the new one again."""
    runs = await parked(rig, count, seed)
    gate = await broken.run("replay", "--from-server", "--json")
    done = Contrast(count, gate)
    named: dict[str, Any] = {each["run_id"]: each for each in gate.json["runs"]}
    done.named = sum(run.run_id in named for run in runs)
    if named:
        first = next(iter(named.values()))
        done.said = f"event {first['event']}: {' '.join(first['why'])}"
    await new.stop()
    await broken.add()
    for run in runs:
        await run.handle.signal("approve", {"by": "the drill"})
    await asyncio.sleep(_WEDGED_S)
    looks = [await run.handle.describe() for run in runs]
    done.ended = sum(look.status is not WorkflowExecutionStatus.RUNNING for look in looks)
    waiting = await stuck(rig.session)
    done.stuck = len({each.run_id for each in waiting} & {run.run_id for run in runs})
    done.reason = next((each.reason for each in waiting if each.reason), "")
    await broken.stop()
    new.workers.clear()
    await new.add()
    done.verdicts = list(await asyncio.gather(*(finish(rig, run) for run in runs)))
    return done
