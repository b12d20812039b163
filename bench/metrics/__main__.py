"""`python -m bench.metrics --seed 7 --runs 200`: every number against the histories.

A real server, two workers, a carrier that goes away and comes back, people who answer, refuse or
stay silent, and Debian's Prometheus, which scrapes both workers. At the end every metric is worked
out once more from the histories alone and held against what Prometheus says, and every query of the
dashboards is run. With `--kill` one worker is killed in the middle (SIGKILL) and another takes its
place: what closed runs came to must still be equal, since that is counted in the database, once.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from rich.console import Console
from temporalio.client import WorkflowFailureError, WorkflowHandle

from agents.registry import tools
from bench.fleet import Fleet, fleet
from bench.metrics.compared import Compared, compared, table
from bench.metrics.expected import Expected, Numbers
from bench.metrics.histories import looked
from bench.metrics.mix import NAMED, Mix, Plan, orders
from bench.metrics.panels import Drawn, drawn, plotted
from bench.metrics.people import People
from bench.metrics.prometheus import Prometheus, prometheus
from commands.processes import Child
from runtime.breakers import Breakers
from runtime.settings import PROJECT, variable_of

_AT_ONCE: Final = 14
_SCRAPE_S: Final = 2
_LONGEST_S: Final = 900.0
_AWAY_S: Final = 30.0
_FAULTS: Final = "server_error,agent=gauge,rate=0.04"
_STATES: Final = {"closed": 0.0, "half_open": 1.0, "open": 2.0}
_TICKETS: Final = PROJECT / "docs" / "examples" / "triage" / "tickets.csv"


@dataclass
class Bench:
    """What is running."""

    fleet: Fleet
    prometheus: Prometheus
    plans: dict[str, Plan] = field(default_factory=dict[str, Plan])
    began: float = field(default_factory=time.time)

    async def runs(self, mix: Mix, count: int) -> None:
        """Play the mix, so many runs at once; the carrier is away for a while in the middle."""
        plans = list(mix.plans(count))
        limit = asyncio.Semaphore(_AT_ONCE)
        away = asyncio.create_task(self._away(count))
        people = asyncio.create_task(People(self._client, self.plans).attend())
        try:
            async with asyncio.timeout(_LONGEST_S):
                await asyncio.gather(*(self._run(plan, limit) for plan in plans))
        finally:
            for task in (away, people):
                task.cancel()

    async def _run(self, plan: Plan, limit: asyncio.Semaphore) -> None:
        async with limit:
            run_id = f"mix-{uuid4().hex[:10]}"
            self.plans[run_id] = plan
            handle: WorkflowHandle[Any, Any] = await self._client.start_workflow(
                plan.workflow,
                plan.request,
                id=run_id,
                task_queue=self.fleet.rig.stack.settings.task_queue,
            )
            with suppress(WorkflowFailureError):  # that is one of the outcomes
                await handle.result()

    async def _away(self, count: int) -> None:
        """Let the carrier go away once a third of the runs has begun, for a while."""
        while len(self.plans) < count // 3:
            await asyncio.sleep(0.2)
        await self.fleet.be("down")
        try:
            await asyncio.sleep(_AWAY_S)
        finally:
            await self.fleet.be("up")

    async def misbehave(self, rule: str) -> None:
        """Have the model's provider fail now and then."""
        base = self.fleet.rig.stack.env[variable_of("offline_url")]
        answer = await self.fleet.rig.http.post(f"{base}/misbehave", json={"rules": [rule]})
        answer.raise_for_status()

    async def settled(self) -> None:
        """Wait until all has been scraped, and the rules have been evaluated on it."""
        await asyncio.sleep(4 * _SCRAPE_S + 60)

    @property
    def _client(self) -> Any:
        return self.fleet.rig.session.client

    async def expected(self) -> tuple[Numbers, int]:
        """Work every number out from the histories, and the breakers' from their table.

        Beside them: how many attempts were lost.
        """
        worked_out = Expected(await looked(self._client), tools().keys(), {"default", *NAMED})
        numbers = worked_out.numbers
        standing = await Breakers(self.fleet.rig.session.database).list()
        numbers["holdfast_breaker_state"] = {
            (("name", each.name),): _STATES[each.state.value] for each in standing
        }
        return numbers, worked_out.lost

    # --- the workers' pages

    async def watch(self) -> None:
        """Have every worker's page scraped."""
        logs = {self.fleet.rig.home / "worker.log", *(child.log for child in self.fleet.workers)}
        self.prometheus.watch([page for log in sorted(logs) for page in pages(log)])

    async def replace_one(self, count: int) -> None:
        """Kill a worker when half of the runs have begun, and start another."""
        while len(self.plans) < count // 2:
            await asyncio.sleep(0.2)
        fallen = self.fleet.workers[-1]
        await fallen.kill()
        new = Child("worker", fallen.argv, fallen.env, fallen.log.with_suffix(".2.log"))
        await new.start()
        self.fleet.workers.append(new)
        while not pages(new.log):
            await asyncio.sleep(0.5)
        await self.watch()


def pages(log: Path) -> list[str]:
    """Return the addresses that a worker's log names."""
    if not log.exists():
        return []
    told = [line for line in log.read_text(errors="replace").splitlines() if '"page"' in line]
    return [str(json.loads(line)["page"]) for line in told]


@asynccontextmanager
async def _running(home: Path) -> AsyncGenerator[Bench]:
    env = {"HOLDFAST_METRICS_TENANTS": ",".join(NAMED)}
    async with prometheus(home, _SCRAPE_S) as scraping, fleet(home, 2, env) as running:
        made = Bench(running, scraping)
        await made.misbehave(_FAULTS)
        await made.watch()
        try:
            yield made
        finally:
            for child in running.workers[2:]:
                await child.stop()


async def measure(
    home: Path, options: argparse.Namespace
) -> tuple[list[Compared], list[Drawn], Mapping[str, float]]:
    """Play the mix; return what each metric and each panel came to, and what was played."""
    async with _running(home) as bench:
        mix = Mix(options.seed, bench.fleet.address, _TICKETS, orders(home / "orders.csv"))
        await asyncio.sleep(2 * _SCRAPE_S)
        kill = asyncio.create_task(bench.replace_one(options.runs)) if options.kill else None
        began = time.time()
        await bench.runs(mix, options.runs)
        if kill is not None:
            await kill
        took = time.time() - began
        await bench.settled()
        expected, lost = await bench.expected()
        rows = await compared(bench.prometheus, expected)
        found = await drawn(bench.prometheus, began - 5, time.time())
        if options.plot:
            plotted(found, options.plot)
        return rows, found, {"runs": len(bench.plans), "seconds": took, "lost": lost}


def show(console: Console, rows: list[Compared], found: list[Drawn], *, unheard: bool) -> bool:
    """Print it; False where a promise was broken.

    Args:
        console: Where to.
        rows: The metrics.
        found: The panels.
        unheard: A worker was killed, or attempts were lost: what processes counted may differ.
    """
    console.print(table(rows))
    wrong = [each for each in rows if each.wrong]
    for each in wrong:
        for labels, value, wanted in each.wrong[:5]:
            console.print(f"  {each.row.name} {dict(labels)}: found {value}, expected {wanted}")
    empty = [(each, query) for each in found for query in each.empty]
    for each, query in empty:
        console.print(f"  [red]empty[/] {each.dashboard}: {each.title}: {query}", soft_wrap=True)
    queries = sum(len(each.queries) for each in found)
    series = sum(each.series for each in rows)
    console.print(
        f"{len(rows) - len(wrong)} of {len(rows)} metrics, "
        f"{series - sum(len(each.wrong) for each in rows)} of {series} series equal the "
        f"histories; {queries - len(empty)} of {queries} queries of {len(found)} panels have data"
    )
    # Of a worker that was killed, what it counted since it was last scraped is gone.
    broken = [each for each in wrong if not (unheard and each.row.over == "sum")]
    return not broken and not empty


def main() -> None:
    """Parse the options and measure; the exit code is 1 where a number is wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.metrics", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--kill", action="store_true", help="kill a worker in the middle")
    parser.add_argument("--plot", type=Path, help="draw the dashboards into this folder")
    options = parser.parse_args()
    console = Console(width=120)
    with tempfile.TemporaryDirectory(prefix="holdfast-metrics-") as home:
        rows, found, played = asyncio.run(measure(Path(home), options))
    good = show(console, rows, found, unheard=options.kill or bool(played["lost"]))
    console.print(
        f"{played['runs']:.0f} runs of seed {options.seed} in {played['seconds']:.0f} s; "
        f"{played['lost']:.0f} attempts were not heard of in time (a busy machine)"
    )
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
