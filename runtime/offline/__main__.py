"""`python -m runtime.offline`: serves the offline model until SIGTERM or SIGINT."""

import argparse
import asyncio
import gc
import json
import os
import signal
import sys
from contextlib import suppress

from runtime.offline.app import App
from runtime.offline.http import Server
from runtime.offline.misbehaviour import Misbehave, MisbehaveError, parse

_PARENT_CHECK_S = 1.0


def main() -> None:
    """Read the options and serve; the exit code is 2 for options that make no sense."""
    options = _options()
    environment = os.environ.get("HOLDFAST_OFFLINE_MISBEHAVE", "")
    texts = [*environment.split(";"), *options.misbehave]
    try:
        setting = parse(texts, options.seed)
    except MisbehaveError as error:
        sys.exit(_complain(str(error)))
    try:
        asyncio.run(_serve(options, setting))
    except OSError as error:
        sys.exit(_complain(f"cannot listen on {options.host}:{options.port}: {error.strerror}"))


def _complain(text: str) -> int:
    sys.stderr.write(f"offline model: {text}\n")
    return 2


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m runtime.offline", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--misbehave",
        action="append",
        default=[],
        metavar="KIND[,agent=..][,rate=..][,first=..]",
        help="a fault, for example rate_limit,rate=0.2,retry_after_s=1; may be repeated",
    )
    parser.add_argument(
        "--seed", type=int, default=int(os.environ.get("HOLDFAST_OFFLINE_SEED") or 0)
    )
    parser.add_argument(
        "--with-parent", action="store_true", help="exit when the process that started it has"
    )
    return parser.parse_args()


async def _serve(options: argparse.Namespace, setting: Misbehave) -> None:
    parent = os.getppid()  # before anybody is told: who has read the address may be killed at once
    server = Server(App(setting))
    port = await server.start(options.host, options.port)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    # What start-up made stays; the collector need not look at it at every request.
    gc.freeze()
    address = f"http://{options.host}:{port}"
    started = {"address": address, "pid": os.getpid(), "serves": "offline stand-in"}
    sys.stdout.write(json.dumps(started) + "\n")
    sys.stdout.flush()
    while not stopping.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _PARENT_CHECK_S)
        if options.with_parent and os.getppid() != parent:
            break
    await server.stop()


if __name__ == "__main__":
    main()
