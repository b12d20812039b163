"""Holdfast, as it is compared."""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from temporalio.service import RPCError

from agents.drill.place import Place
from bench.drill.rig import Rig
from bench.peers.runtime import Asked, Came, cpu_s, ended
from domain.run import AgentRequest


@dataclass(frozen=True)
class Holdfast:
    """Ours, served by the rig's own worker."""

    rig: Rig
    place: Place
    name: str = "holdfast"

    async def start(self) -> None:
        """Start the worker again; the rig has started the first one."""
        if not self.rig.worker.alive:
            await self.rig.worker.start()

    async def kill(self) -> None:
        """End the worker."""
        await self.rig.worker.kill()

    async def run(self, agent: str, task: Mapping[str, Any], run_id: str, within_s: float) -> Came:
        """Start the run, unless it runs already, and wait for it, or until it asks a person."""
        data = {"drill": str(self.place.path)} if agent == "drill" else {}
        request = AgentRequest(agent=agent, task=json.dumps(task), data=data)
        client = self.rig.session.client
        queue = self.rig.session.settings.task_queue
        asked = asyncio.create_task(self._asks(run_id, within_s))
        wanted = Asked("AgentWorkflow", [request], run_id, queue)
        end = asyncio.create_task(ended(client, wanted, within_s))
        await asyncio.wait([asked, end], return_when=asyncio.FIRST_COMPLETED)
        if not end.done() and asked.result():
            end.cancel()
            await self.rig.handle(run_id).terminate("the comparison has seen enough")
            return Came("", "asks a person")
        asked.cancel()
        return await end

    async def _asks(self, run_id: str, within_s: float) -> bool:
        """Whether the run comes to ask a person in that time."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            with suppress(RPCError):
                found = await self.rig.handle(run_id).describe()
                if found.search_attributes.get("AgentState") == ["PENDING_APPROVAL"]:
                    return True
            await asyncio.sleep(0.2)
        return False

    def cpu_s(self) -> float:
        """Return the worker's time."""
        return cpu_s(self.rig.worker.pid)

    def hold(self, item: str) -> None:
        """Have the drill's tool be slow to say that its effect has happened."""
        self.place.hold(item)

    def release(self, item: str) -> None:
        """Let it say so."""
        self.place.release()

    def effects(self, item: str) -> int:
        """Return how often it has happened."""
        lines = self.place.lines()
        return sum(each["what"] == "effect" and each["item"] == item for each in lines)
