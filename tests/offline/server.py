"""The offline model as tests use it: a real process on a free port."""

import json
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

import httpx2

from runtime.settings import PROJECT


class OfflineServer:
    """`python -m runtime.offline`, started, asked and stopped."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "runtime.offline", "--with-parent", *options],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        self.started: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.url: str = self.started["address"]
        self._client = httpx2.Client(base_url=self.url, trust_env=False, timeout=10)

    def misbehave(self, *rules: str | dict[str, Any], seed: int = 0) -> None:
        """Replace the faults; none clears them."""
        answer = self._client.post("/misbehave", json={"seed": seed, "rules": list(rules)})
        assert answer.status_code == 200, answer.text

    def get(self, path: str) -> Any:
        """Return the JSON at `path`."""
        return self._client.get(path).raise_for_status().json()

    def post(self, path: str, body: Any) -> httpx2.Response:
        """Send JSON to `path`."""
        return self._client.post(path, json=body)

    def calls(self, lineage: str) -> list[dict[str, Any]]:
        """Return the calls that a logical run made."""
        return self.get(f"/stats/{lineage}")["list"]

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self._client.close()
        self.process.terminate()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
