"""Triages made-up tickets on real processes, kills the worker twice, and checks what is left.

`python -m bench.triage --tickets 1000`: every ticket ended, every planted one with a person, each
reply sent once, exactly twenty drawn for review.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from temporalio.client import WorkflowHandle

from bench.drill.rig import Rig, rig
from bench.tickets import Planned, made, write
from domain.run import Status
from domain.sampling import Sampled, SamplingRequest
from domain.standing import Grant, Terms
from domain.triage import TriageRequest, TriageResult
from runtime.standing import StandingApprovals
from runtime.tickets import Tickets

_TENANT: Final = "bench"
_SAMPLE: Final = 20
_AT_ONCE: Final = 20
_LOOK_S: Final = 0.5
_LONGEST_S: Final = 1_800.0
_MOST_BYTES: Final = 10 * 1024 * 1024
_ONE_IN: Final = 10  # of the questions, one in so many is answered by no


@dataclass(frozen=True)
class Figures:
    """What came of one triage.

    Attributes:
        missed: Planted tickets that no person saw.
        alone_below: Tickets under a threshold that no person saw.
        twice: Tickets with more than one reply.
        unsent: Tickets that count as sent and have no reply, or the other way round.
        repeated: Model calls whose answer was there: those in flight when the worker died.
        largest: Bytes of the largest history of all.
        right: Share of the clear tickets whose category is the planted one.
    """

    tickets: int
    ended: int
    alone: int
    person: int
    planted_unsure: int
    planted_novel: int
    missed: int
    alone_below: int
    sent: int
    twice: int
    unsent: int
    sampled: int
    sampled_again: int
    kills: int
    repeated: int
    continued: int
    largest: int
    right: float
    alone_s: float
    outcome: str

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        faults = self.missed + self.alone_below + self.twice + self.unsent
        return (
            self.outcome == "completed"
            and self.ended == self.tickets
            and not faults
            and self.sampled == self.sampled_again == min(_SAMPLE, self.alone)
            and self.largest <= _MOST_BYTES
        )


async def triage(rig: Rig, count: int, seed: int, kills: int = 2, parallel: int = 16) -> Figures:
    """Triage `count` tickets, kill the worker on the way, answer every question at the end."""
    planned = made(seed, count)
    file, accounts = write(rig.home, planned)
    await _grant(rig, count)
    request = TriageRequest(
        tickets=str(file), accounts=str(accounts), tenant=_TENANT, by="the bench", parallel=parallel
    )
    client, queue = rig.session.client, rig.stack.settings.task_queue
    handle = await client.start_workflow(
        "TriageWorkflow", request, id="bench-triage", task_queue=queue
    )
    began = time.monotonic()
    for kill in range(kills):
        await _until_sent(rig, count * (kill + 1) // (kills + 2))
        await rig.kill_worker()
    await _until_settled(handle, count)
    alone_s = time.monotonic() - began
    await _answer(rig)
    result = await _result(rig, handle.id)
    return await _judged(rig, planned, result, alone_s, kills)


async def _grant(rig: Rig, uses: int) -> None:
    await StandingApprovals(rig.session.database).grant(
        Grant(
            id="bench",
            tenant=_TENANT,
            agent="triage",
            tool="send_reply",
            by="the bench",
            terms=Terms(uses=uses),
            at=datetime.now(UTC),
        )
    )


async def _until_sent(rig: Rig, wanted: int) -> None:
    tickets, deadline = Tickets(rig.session.database), time.monotonic() + _LONGEST_S
    while len(await tickets.outbox(_TENANT)) < wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{wanted} replies were not sent in {_LONGEST_S:.0f} s")
        await asyncio.sleep(_LOOK_S)


async def _until_settled(handle: WorkflowHandle[Any, Any], count: int) -> None:
    """Wait until every ticket has ended, or waits for a person."""
    deadline = time.monotonic() + _LONGEST_S
    while time.monotonic() < deadline:
        try:
            if _settled(await handle.query("status", result_type=Status)) >= count:
                return
        except Exception:  # noqa: BLE001 - between two workers nobody answers
            await asyncio.sleep(_LOOK_S)
        await asyncio.sleep(_LOOK_S)
    raise TimeoutError("the triage does not come to its end")


def _settled(status: Status) -> int:
    """Return how many tickets have ended, or wait for a person."""
    kinds = ("sent alone", "sent by person", "not sent", "failed", "waiting for a person")
    return sum(int(status.extra.get(kind, 0)) for kind in kinds)


async def _answer(rig: Rig) -> None:
    """Answer every open question: yes, and to one in ten no."""
    client = rig.session.client
    query = "WorkflowType = 'TicketWorkflow' AND AwaitingApproval = true"
    while (await client.count_workflows(query)).count:
        runs = [run.id async for run in client.list_workflows(query)]
        for start in range(0, len(runs), _AT_ONCE):
            some = enumerate(runs[start : start + _AT_ONCE], start)
            await asyncio.gather(*(_say(rig, run, number) for number, run in some))
        await asyncio.sleep(1)  # the list lags behind what was said


async def _say(rig: Rig, run: str, number: int) -> None:
    word = "reject" if number % _ONE_IN == 0 else "approve"
    handle = rig.handle(run)
    await handle.signal(word, {"by": "the bench"})


async def _result(rig: Rig, run_id: str) -> TriageResult:
    handle = rig.session.client.get_workflow_handle(run_id, result_type=TriageResult)
    async with asyncio.timeout(_LONGEST_S):
        return await handle.result()


async def _sampled(rig: Rig, day: str, number: int) -> Sampled:
    request = SamplingRequest(tenant=_TENANT, day=day, size=_SAMPLE)
    result: Sampled = await rig.session.client.execute_workflow(
        "SamplingWorkflow",
        request,
        id=f"bench-sample-{number}",
        task_queue=rig.stack.settings.task_queue,
        result_type=Sampled,
    )
    return result


async def _judged(
    rig: Rig, planned: Sequence[Planned], result: TriageResult, alone_s: float, kills: int
) -> Figures:
    tickets = Tickets(rig.session.database)
    (lineage,) = await tickets.of_tenant(_TENANT)
    rows = {str(row["ticket"]): row for row in await tickets.rows(lineage)}
    outbox = Counter(each.ticket for each in await tickets.outbox(_TENANT))
    alone = {ticket for ticket, row in rows.items() if row["route"] == "alone"}
    day = Counter(f"{rows[ticket]['decided_at']:%Y-%m-%d}" for ticket in alone).most_common(1)[0]
    first = await _sampled(rig, day[0], 1)
    again = await _sampled(rig, day[0], 2)
    clear = [each for each in planned if each.kind == "clear"]
    right = sum(rows[each.id]["category"] == each.label for each in clear)
    histories = [size async for size in _histories(rig)]
    return Figures(
        tickets=len(planned),
        ended=sum(bool(row["ended"]) for row in rows.values()),
        alone=len(alone),
        person=sum(row["route"] == "person" for row in rows.values()),
        planted_unsure=sum(each.kind == "unsure" for each in planned),
        planted_novel=sum(each.kind == "novel" for each in planned),
        missed=sum(each.kind != "clear" and each.id in alone for each in planned),
        alone_below=sum(rows[one]["low_confidence"] or rows[one]["novel"] for one in alone),
        sent=outbox.total(),
        twice=sum(count > 1 for count in outbox.values()),
        unsent=sum((row["ended"] == "sent") != (one in outbox) for one, row in rows.items()),
        sampled=first.total,
        sampled_again=again.total,
        kills=kills,
        repeated=int((await rig.stats())["repeated"]),
        continued=result.continued,
        largest=max(histories),
        right=right / len(clear),
        alone_s=alone_s,
        outcome=result.outcome.value,
    )


async def _histories(rig: Rig) -> AsyncGenerator[int]:
    """Yield the size of the history of every run there was, in bytes."""
    async for found in rig.session.client.list_workflows("ExecutionStatus != 'Running'"):
        yield found.raw_info.history_size_bytes


def show(console: Console, found: Figures) -> None:
    """Print the figures."""
    title = f"{found.tickets:,} tickets, {found.kills} worker kills"
    table = Table(title=title, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in (
        ("ended", f"{found.ended:,}"),
        ("answered alone", f"{found.alone:,}"),
        ("with a person", f"{found.person:,}"),
        ("planted unsure / novel", f"{found.planted_unsure:,} / {found.planted_novel:,}"),
        ("planted, and no person saw it", f"{found.missed:,}"),
        ("under a threshold, and no person saw it", f"{found.alone_below:,}"),
        ("replies sent", f"{found.sent:,}"),
        ("tickets with two replies", f"{found.twice:,}"),
        ("replies that do not fit their ticket's end", f"{found.unsent:,}"),
        ("drawn for review, and when drawn again", f"{found.sampled}, {found.sampled_again}"),
        ("categories right, of the clear ones", f"{found.right:.1%}"),
        ("model calls in flight at a kill, made again", f"{found.repeated:,}"),
        ("continued as new", f"{found.continued:,}"),
        ("largest history", f"{found.largest / 2**20:.2f} MB"),
        ("until only people were waited for", f"{found.alone_s:.0f} s"),
        ("outcome", found.outcome),
    ):
        table.add_row(name, value)
    console.print(table)


async def _measure(home: Path, count: int, seed: int, kills: int, parallel: int) -> Figures:
    async with rig(home) as running:
        return await triage(running, count, seed, kills, parallel)


def main() -> None:
    """Parse the options and measure; the exit code is 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.triage", description=__doc__)
    parser.add_argument("--tickets", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--parallel", type=int, default=16)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-triage-") as home:
        found = asyncio.run(
            _measure(Path(home), given.tickets, given.seed, given.kills, given.parallel)
        )
    show(Console(width=100), found)
    sys.exit(0 if found.good else 1)


if __name__ == "__main__":
    main()
