"""`python -m bench.metrics.alerting`: an alert from its cause to the people's pager, and back.

A real server and worker, Debian's Prometheus and Alertmanager with the project's rules and routes
(the pager is a service of the bench's own, and waits are cut to seconds). An agent is halted:
Alertmanager must tell its pager once, and once more when the halt is lifted.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from bench.drill.rig import rig
from bench.metrics.__main__ import pages
from bench.metrics.prometheus import alertmanager, prometheus
from runtime.halts import Halts
from runtime.settings import PROJECT

ALERT: Final = "HoldfastHalted"
_PATIENCE_S: Final = 120.0
_STILL_S: Final = 20.0

Told = list[tuple[float, str, str]]
"""When, to whom, and `firing` or `resolved`."""


@asynccontextmanager
async def pager(told: Told) -> AsyncGenerator[str]:
    """Take Alertmanager's messages, and yield the address."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        size = next(
            int(line.partition(":")[2])
            for line in head.splitlines()
            if line.lower().startswith("content-length:")
        )
        message: dict[str, Any] = json.loads(await reader.readexactly(size))
        told.extend(
            (time.time(), str(message["receiver"]), str(alert["status"]))
            for alert in message["alerts"]
            if alert["labels"]["alertname"] == ALERT
        )
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def routes(address: str) -> dict[str, Any]:
    """Return the project's configuration of Alertmanager with quick waits and the bench's pager."""
    text = (PROJECT / "deploy" / "alertmanager" / "alertmanager.yml").read_text()
    config: dict[str, Any] = yaml.safe_load(text.replace("http://127.0.0.1:9095", address))
    quick = {"group_wait": "1s", "group_interval": "2s"}
    for route in (config["route"], *config["route"]["routes"]):
        route.update(quick)
    return config


async def measure(home: Path) -> tuple[Told, list[float]]:
    """Halt, wait, lift; return what was told, and when the halt was placed and lifted."""
    told: Told = []
    async with (
        pager(told) as address,
        alertmanager(home, routes(address)) as people,
        prometheus(home, 2, people) as scraping,
        rig(home) as running,
    ):
        log = home / "worker.log"
        await _until(lambda: bool(pages(log)))
        scraping.watch(pages(log))
        halts = Halts(running.session.database)
        when = [time.time()]
        await halts.place("agent", "refunds", by="bench", reason="to see who is told")
        await _until(lambda: "firing" in {what for _, _, what in told})
        await asyncio.sleep(_STILL_S)  # it must not be told again meanwhile
        when.append(time.time())
        await halts.lift("agent", "refunds", by="bench", reason="seen")
        await _until(lambda: "resolved" in {what for _, _, what in told})
    return told, when


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.2)


def main() -> None:
    """Measure and print; the exit code is 1 where it was told otherwise than once."""
    argparse.ArgumentParser(
        prog="python -m bench.metrics.alerting", description=__doc__
    ).parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-alerting-") as home:
        told, (placed, lifted) = asyncio.run(measure(Path(home)))
    for (at, to, what), since in zip(told, (placed, lifted), strict=False):
        print(f"{ALERT} {what}: {to} was told {at - since:.1f} s after its cause")
    print(f"{len(told)} messages; none in the {_STILL_S:.0f} s that the halt still stood")
    sys.exit(0 if [what for _, _, what in told] == ["firing", "resolved"] else 1)


if __name__ == "__main__":
    main()
