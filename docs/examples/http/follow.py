# ruff: noqa: T201 - a program of its own, which prints
"""Starts a run over HTTP and follows it to its end, through cut streams and restarts.

    HOLDFAST_TOKEN=hf_... python docs/examples/http/follow.py docs/examples/http/start.json KEY

Needs httpx. The key stands for this one start: run it twice, and it is the same run.
"""

import json
import os
import sys
import time
from pathlib import Path

import httpx

ADDRESS = os.environ.get("HOLDFAST_HTTP", "http://127.0.0.1:8080")


def follow(http: httpx.Client, run: str) -> None:
    """Print what happens in a run, until it has ended."""
    last = ""
    while True:
        try:
            with http.stream("GET", f"{run}/events", headers={"Last-Event-ID": last}) as stream:
                stream.raise_for_status()
                event: dict[str, str] = {}
                for line in stream.iter_lines():
                    name, _, value = line.partition(": ")
                    if line:
                        event[name] = value
                        continue
                    if "data" in event:
                        last = event["id"]
                        print(event["event"], event["data"])
                    if event.get("event") == "end":
                        return
                    event = {}
        except httpx.TransportError:
            pass
        # The stream was cut: by a proxy, or because that copy of the service ended.
        time.sleep(1)


def main() -> None:
    """Start, follow, print the result."""
    body, key = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2]
    headers = {"Authorization": f"Bearer {os.environ['HOLDFAST_TOKEN']}"}
    with httpx.Client(base_url=ADDRESS, headers=headers, timeout=60) as http:
        started = http.post("/v1/runs", json=body, headers={"Idempotency-Key": key})
        started.raise_for_status()
        run = started.headers["Location"]
        follow(http, run)
        print(json.dumps(http.get(f"{run}/result").json(), indent=2))


if __name__ == "__main__":
    main()
