"""What the runtimes' workers share: prompts, tools, the model's client; nothing of Holdfast."""

# pyright: basic, reportMissingImports=false
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

import asyncio
import hashlib
import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI
from temporalio.client import Client
from temporalio.worker import Worker

MODEL = "gpt-5-mini"
MODEL_URL = f"{os.environ['HOLDFAST_OFFLINE_URL']}/v1"
SYSTEM = {
    "bench": "Agent: bench (prompt v1)\n\nCall `lookup` once a turn with the key you are told.",
    "drill": "Agent: drill (prompt v1)\n\nWork through the steps of the task in order.",
}
LOOKUP_DOC = "Look a key up and return its text. Keys are <turn>|<bytes>."
CHARGE_DOC = "Charge for an item."
_WORDS = " ".join(hashlib.sha256(str(i).encode()).hexdigest()[: 3 + i % 7] for i in range(12_000))


def lookup_text(key: str) -> str:
    """Return the text of a key; a ValueError where its size is no number."""
    size = int(key.rpartition("|")[2])
    start = int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) % (len(_WORDS) - size)
    return _WORDS[start : start + size]


async def charge_for(item: str) -> str:
    """Take effect each time it is called, then be slow to say so while it is held."""
    folder = Path(os.environ["PEERS_EFFECTS"])
    with (folder / f"{item}.log").open("a") as log:
        log.write(f"{time.time()}\n")
    while (folder / f"{item}.hold").exists():
        await asyncio.sleep(0.02)
    return f"{item} is charged"


def client() -> AsyncOpenAI:
    """Return the vendor's client, its own retries off as with every runtime here."""
    return AsyncOpenAI(base_url=MODEL_URL, api_key="offline", max_retries=0)


async def serve(
    queue: str, workflow: type, activities: Sequence[Any] = (), plugins: Sequence[Any] = ()
) -> None:
    """Serve until SIGTERM, with the SDK's defaults."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    connected = await Client.connect(os.environ["TEMPORAL_ADDRESS"], plugins=list(plugins))
    made = Worker(connected, task_queue=queue, workflows=[workflow], activities=list(activities))
    async with made:
        print(json.dumps({"serves": queue}), flush=True)
        await stop.wait()
