"""A Prometheus, and an Alertmanager, of the bench's own: Debian's, on free ports, for its time."""

import asyncio
import json
import shutil
import signal
import socket
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from runtime.settings import PROJECT

RULES: Final = PROJECT / "deploy" / "prometheus" / "rules"
_READY_S: Final = 60.0


class NotInstalledError(RuntimeError):
    """A program is not on PATH."""


@dataclass(frozen=True)
class Prometheus:
    """One that runs.

    Attributes:
        targets: File of the workers' pages, which may change.
    """

    base: str
    targets: Path
    http: httpx.AsyncClient

    async def ask(self, expression: str) -> list[dict[str, Any]]:
        """Return what an expression is now: each `{"metric": …, "value": [time, text]}`."""
        found = await self._get("query", {"query": expression})
        return list(found["data"]["result"])

    async def over(
        self, expression: str, since: float, until: float, step: float
    ) -> list[dict[str, Any]]:
        """Return what an expression was, over a time."""
        asked = {"query": expression, "start": since, "end": until, "step": step}
        return list((await self._get("query_range", asked))["data"]["result"])

    async def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that are pending or fire."""
        return list((await self._get("alerts", {}))["data"]["alerts"])

    async def _get(self, path: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self.http.get(f"{self.base}/api/v1/{path}", params=dict(asked))
        if answer.is_error:
            raise RuntimeError(f"{path} {asked}: {answer.text[:300]}")
        return answer.json()

    def watch(self, pages: Sequence[str]) -> None:
        """Scrape these pages from now on, each `http://host:port`."""
        names = [page.removeprefix("http://") for page in pages]
        new = self.targets.with_suffix(".new")
        new.write_text(json.dumps([{"targets": names}]))
        new.replace(self.targets)


@asynccontextmanager
async def prometheus(
    home: Path, scrape_s: int = 2, alertmanager: str = ""
) -> AsyncGenerator[Prometheus]:
    """Run one with this project's rules; nothing is scraped until it is told what."""
    port = _free_port()
    targets = home / "targets.json"
    targets.write_text("[]")
    config: dict[str, Any] = {
        "global": {"scrape_interval": f"{scrape_s}s", "evaluation_interval": f"{scrape_s}s"},
        "rule_files": [str(RULES / "*.yml")],
        "scrape_configs": [
            {
                "job_name": "holdfast",
                "file_sd_configs": [{"files": [str(targets)], "refresh_interval": "1s"}],
            }
        ],
    }
    if alertmanager:
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    path = home / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    argv = [
        f"--config.file={path}",
        f"--storage.tsdb.path={home / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    base = f"http://127.0.0.1:{port}"
    async with _running("prometheus", argv, home, f"{base}/-/ready") as http:
        yield Prometheus(base, targets, http)


@asynccontextmanager
async def alertmanager(home: Path, config: Mapping[str, Any]) -> AsyncGenerator[str]:
    """Run an Alertmanager, and yield its host and port."""
    port = _free_port()
    path = home / "alertmanager.yml"
    path.write_text(yaml.safe_dump(dict(config)))
    argv = [
        f"--config.file={path}",
        f"--storage.path={home / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    ready = f"http://127.0.0.1:{port}/-/ready"
    async with _running("prometheus-alertmanager|alertmanager", argv, home, ready):
        yield f"127.0.0.1:{port}"


@asynccontextmanager
async def _running(
    names: str, argv: Sequence[str], home: Path, ready: str
) -> AsyncGenerator[httpx.AsyncClient]:
    found = next((path for name in names.split("|") if (path := shutil.which(name))), None)
    if found is None:
        raise NotInstalledError(f"{names} is not on PATH (Debian: apt-get install {names})")
    with (home / f"{Path(found).name}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(found, *argv, stdout=log, stderr=log)
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            await _until_ready(http, ready, process)
            yield http
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()


async def _until_ready(
    http: httpx.AsyncClient, ready: str, process: asyncio.subprocess.Process
) -> None:
    async with asyncio.timeout(_READY_S):
        while True:
            if process.returncode is not None:
                raise RuntimeError(f"it ended with {process.returncode}; its log says why")
            try:
                if (await http.get(ready)).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.2)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
