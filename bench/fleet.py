"""Several worker processes, and a carrier that they call, beside a rig."""

import asyncio
import json
import signal
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from temporalio.client import WorkflowHandle

from bench.drill.rig import Rig, rig
from commands.processes import Child

_SERVES_S: Final = 90.0
_LOOK_S: Final = 0.2


@dataclass
class Fleet:
    """What is running.

    Attributes:
        address: Where the carrier listens.
    """

    rig: Rig
    workers: list[Child]
    address: str

    async def seen(self) -> dict[str, Any]:
        """Return what came to the carrier: `seen` and `booked`."""
        answer = await self.rig.http.get(f"{self.address}/seen")
        return answer.raise_for_status().json()

    async def be(self, mood: str) -> None:
        """Set how the carrier is: `up`, `down`, `busy?retry_after=3`."""
        (await self.rig.http.post(f"{self.address}/be/{mood}")).raise_for_status()

    async def start(self, task: object, *, seconds: float = 1_200) -> WorkflowHandle[Any, Any]:
        """Start a run of the courier."""
        return await self.rig.session.client.start_workflow(
            "AgentWorkflow",
            {
                "agent": "courier",
                "task": task,
                "data": {"carrier": self.address},
                "limits": {"wall_clock_s": seconds},
            },
            id=f"courier-{uuid4().hex[:10]}",
            task_queue=self.rig.stack.settings.task_queue,
        )

    async def results(self, runs: Iterable[WorkflowHandle[Any, Any]]) -> list[dict[str, Any]]:
        """Wait for runs, and return what they came to."""
        return list(await asyncio.gather(*(run.result() for run in runs)))


@asynccontextmanager
async def fleet(
    home: Path, workers: int, more: Mapping[str, str] | None = None
) -> AsyncGenerator[Fleet]:
    """Start a server, the offline model, `workers` worker processes and a carrier.

    `more` is for the workers' environment.
    """
    _end_in_order()
    async with rig(home, more) as running:
        carrier = Child(
            "carrier", ["-m", "bench.carrier"], running.stack.env, home / "carrier.log",
            wants_line=True,
        )  # fmt: skip
        others = [
            Child(f"worker {n}", ["worker.py"], running.stack.env, home / f"worker-{n}.log")
            for n in range(2, workers + 1)
        ]
        try:
            await carrier.start()
            for child in others:
                await child.start()
            address = str(json.loads(carrier.line)["address"])
            made = Fleet(running, [running.worker, *others], address)
            await _all_serve(made)
            yield made
        finally:
            for child in [*others, carrier]:
                await child.stop()


def _end_in_order() -> None:
    """Have SIGTERM stop the processes too, as Ctrl-C does."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _all_serve(made: Fleet) -> None:
    """Wait until every worker asks for work."""
    wanted = {f"{child.pid}@" for child in made.workers}
    async with asyncio.timeout(_SERVES_S):
        while True:
            polling = await made.rig.pollers()
            if all(any(name.startswith(pid) for name in polling) for pid in wanted):
                return
            await asyncio.sleep(_LOOK_S)


def script(
    parcel: str, turns: int, rounds: Sequence[Sequence[str]], **more: object
) -> dict[str, object]:
    """Return a task for the courier: what each turn asks of the carrier, round after round."""
    return {"parcel": parcel, "turns": turns, "rounds": rounds, **more}
