"""Finds the Temporal command line, which holds the development server, or gets it."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from temporalio.testing import WorkflowEnvironment

from runtime.settings import Settings

GO_MODULE: Final = "github.com/temporalio/cli/cmd/temporal@v1.5.1"
# A closed network may swallow the download's packets instead of refusing them.
_DOWNLOAD_TIMEOUT_S: Final = 120.0


class BinaryMissing(RuntimeError):
    """No Temporal command line here, and none could be got; the message says what to do."""


def find(settings: Settings) -> Path | None:
    """Return the binary: the one named, on PATH, in Go's folder, or fetched before.

    Raises:
        BinaryMissing: TEMPORAL_CLI names something that cannot be run.
    """
    if settings.temporal_cli:
        named = shutil.which(settings.temporal_cli)
        if named is None:
            raise BinaryMissing(
                f"TEMPORAL_CLI is {settings.temporal_cli!r}, which cannot be run; "
                "expected the path of the temporal binary, or leave it unset"
            )
        return Path(named)
    on_path = shutil.which("temporal")
    if on_path:
        return Path(on_path)
    candidates = (Path.home() / "go" / "bin" / "temporal", *_fetched(settings))
    return next((path for path in candidates if os.access(path, os.X_OK)), None)


def install(settings: Settings) -> Path:
    """Return the binary, fetching it into `.holdfast/bin` where there is none yet.

    Raises:
        BinaryMissing: neither the download nor Go could get it.
    """
    found = find(settings)
    if found is not None:
        return found
    _bin(settings).mkdir(parents=True, exist_ok=True)
    _say("downloading the Temporal server (once)")
    if _download(settings):
        return _expect(settings)
    if shutil.which("go") is None:
        raise BinaryMissing(
            "the Temporal server could not be downloaded and Go is not installed; install the "
            "temporal command line (https://docs.temporal.io/cli) or Go, then run make again"
        )
    _say("no download: building the Temporal server with Go (three minutes, once)")
    _build(settings)
    return _expect(settings)


def _bin(settings: Settings) -> Path:
    return settings.prepare_home() / "bin"


def _fetched(settings: Settings) -> list[Path]:
    # The SDK names its download after its own version.
    return sorted((settings.home / "bin").glob("temporal*"), reverse=True)


def _expect(settings: Settings) -> Path:
    found = find(settings)
    if found is None:
        raise BinaryMissing(f"nothing to run appeared in {str(_bin(settings))!r}; run make again")
    return found


def _download(settings: Settings) -> bool:
    """Let the SDK download: it does so by starting a server, which is stopped at once."""

    async def start_once() -> None:
        environment = await WorkflowEnvironment.start_local(  # pyright: ignore[reportUnknownMemberType]
            download_dest_dir=str(_bin(settings))
        )
        await environment.shutdown()

    try:
        asyncio.run(asyncio.wait_for(start_once(), _DOWNLOAD_TIMEOUT_S))
    except (RuntimeError, TimeoutError):
        return False
    return True


def _build(settings: Settings) -> None:
    environment = {**os.environ, "GOBIN": str(_bin(settings).resolve())}
    done = subprocess.run(  # noqa: S603 - a fixed command
        ["go", "install", GO_MODULE],  # noqa: S607 - Go from PATH, as the user's shell would
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise BinaryMissing(f"go install {GO_MODULE} failed: {lines[-1]}")


def _say(line: str) -> None:
    print(f"setting up: {line}", flush=True)  # noqa: T201 - progress of make's set-up
