"""Runs whose every part carries a word that can be looked for, and keys that change meanwhile."""

import asyncio
import csv
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.sdk.v1 import ExternalStorageReference
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.common import SearchAttributeKey
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from bench.drill.rig import Rig
from domain.run import AgentResult
from runtime.encryption_codec import KEY_ID
from runtime.encryption_files import KeyFile
from workflows import FAILURES, WORKFLOWS

PARTS: Final = ("task", "argument", "result", "signal", "memo")
_FAILS: Final = 5  # each fifth has an input that does not convert
_LARGE: Final = 10  # each tenth has a task too large for a history
SDKS: Final = "the SDK's own (which local activity it was)"
REFERENCE: Final = "references to the database"
_SDKS: Final = ("data", "patch-data")
_REFERENCE: Final = ExternalStorageReference.DESCRIPTOR.full_name.encode()
_AT_ONCE: Final = 8
_LOOK_S: Final = 0.2
_PATIENCE_S: Final = 240.0
_LARGE_WORDS: Final = 12_000
_AWAITS: Final = SearchAttributeKey.for_bool("AwaitingApproval")
_LATENCY: Final = timedelta(seconds=3)


@dataclass
class Seen:
    """What became of the runs.

    Attributes:
        ended: How they ended.
        canaries: The words, each of one part of one run.
        stuck: Ids of those that did not end in time.
    """

    ended: Counter[str] = field(default_factory=Counter[str])
    canaries: list[str] = field(default_factory=list[str])
    stuck: list[str] = field(default_factory=list[str])
    runs: list[WorkflowHandle[Any, Any]] = field(default_factory=list[WorkflowHandle[Any, Any]])


class Load:
    """Starts runs, answers what they ask, and waits for their ends."""

    def __init__(self, rig: Rig, seed: int, runs: int) -> None:
        self._rig = rig
        self._random = random.Random(seed)
        self._runs = runs
        self.seen = Seen()
        self.closed = 0
        self._orders = rig.home / "orders.csv"

    async def play(self, at: dict[int, Callable[[], Any]]) -> Seen:
        """Play all runs.

        Args:
            at: What is done beside them once so many have closed.
        """
        words = [self._words(number) for number in range(self._runs)]
        self._write_orders(words)
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(number: int) -> None:
            async with places:
                await self._one(number, words[number])
            self.closed += 1
            if act := at.get(self.closed):
                await act()

        await asyncio.gather(*(one(number) for number in range(self._runs)))
        return self.seen

    def _words(self, number: int) -> dict[str, str]:
        # A reply repeats the argument, so it needs no word of its own.
        parts = ("failure", "memo") if number % _FAILS == _FAILS - 1 else PARTS
        made = {part: f"Qz{part}{number:03}x{self._random.randbytes(6).hex()}" for part in parts}
        if number % _LARGE == 0:
            # Refused as too long for the model before any tool is called.
            made = {part: word for part, word in made.items() if part not in ("result", "signal")}
            made["large"] = f"Qzlarge{number:03}x{self._random.randbytes(6).hex()}"
        self.seen.canaries += made.values()
        return made

    def _write_orders(self, words: list[dict[str, str]]) -> None:
        with self._orders.open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(["order_id", "item", "paid_cents"])
            for word in words:
                if "argument" in word:
                    lines.writerow([word["argument"], word.get("result", "lamp"), 100])

    async def _one(self, number: int, word: dict[str, str]) -> None:
        request = self._request(word)
        handle = await self._rig.session.client.start_workflow(
            "AgentWorkflow",
            request,
            id=f"codec-{number:03}",
            task_queue=self._rig.stack.settings.task_queue,
            memo={"note": word["memo"]},
            static_summary=f"about {word['memo']}",
            static_details=f"details of {word['memo']}",
        )
        self.seen.runs.append(handle)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                self.seen.ended[await self._end(handle, word)] += 1
        except TimeoutError:
            self.seen.stuck.append(handle.id)

    def _request(self, word: dict[str, str]) -> dict[str, Any]:
        if "failure" in word:
            return {"agent": "refunds", "task": "x", "data": word["failure"]}
        more = f" {word['large']}" * _LARGE_WORDS if "large" in word else ""
        task = {"order_id": word["argument"], "reason": f"it came broken {word['task']}{more}"}
        return {
            "agent": "refunds",
            "task": json.dumps(task),
            "data": {"orders": str(self._orders)},
            "limits": {"tokens": 50_000_000, "cost_usd": 0},
        }

    async def _end(self, handle: WorkflowHandle[Any, Any], word: dict[str, str]) -> str:
        """Answer what the run asks, and return how it ended."""
        waiting = asyncio.create_task(handle.result())
        answered = False
        while not waiting.done():
            if not answered and await self._asks(handle):
                verdict = self._random.choice(["approve", "approve", "reject"])
                await handle.signal(
                    verdict, {"reason": f"since {word.get('signal', 'now')}", "by": "Quinn"}
                )
                answered = True
            await asyncio.wait([waiting], timeout=_LOOK_S)
        try:
            return AgentResult.model_validate(waiting.result()).outcome.value
        except WorkflowFailureError:
            return "failed, as it should"

    async def _asks(self, handle: WorkflowHandle[Any, Any]) -> bool:
        found = (await handle.describe()).typed_search_attributes
        return bool(found.get(_AWAITS))


def rotation(keys: Path, key_id: str) -> Callable[[], Any]:
    """Return what distributes a key and, three seconds later, lets it encrypt."""

    async def rotate() -> None:
        file = KeyFile(keys)
        file.new(key_id)
        file.rotate(key_id, _LATENCY)

    return rotate


async def replayed(rig: Rig, seen: Seen) -> tuple[int, Counter[str], int]:
    """Replay every history; return how many did not, payloads by key, and bytes of them all."""
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=UnsandboxedWorkflowRunner(),
        workflow_failure_exception_types=FAILURES,
        data_converter=rig.session.client.data_converter,
    )
    broken, under, size = 0, Counter[str](), 0
    for handle in seen.runs:
        history = await handle.fetch_history()
        replay = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        broken += replay.replay_failure is not None
        for event in history.events:
            size += event.ByteSize()
            under.update(_of(event))
    return broken, under, size


def _of(event: HistoryEvent) -> list[str]:
    """Return the keys of an event's payloads, but for the SDK's own words in a marker."""
    if not event.HasField("marker_recorded_event_attributes"):
        return key_ids(event)
    marker, found = event.marker_recorded_event_attributes, list[str]()
    for name, payloads in marker.details.items():
        found += [SDKS for _ in payloads.payloads] if name in _SDKS else key_ids(payloads)
    return found + (key_ids(marker.failure) if marker.HasField("failure") else [])


def key_ids(message: Any) -> list[str]:
    """Return the keys of all payloads within a message, empty for one in the clear."""
    if isinstance(message, Payload):
        if message.metadata.get("messageType") == _REFERENCE:
            return [REFERENCE]
        return [message.metadata[KEY_ID].decode() if KEY_ID in message.metadata else ""]
    found: list[str] = []
    for kind, value in message.ListFields():
        if kind.message_type is None:
            continue
        if kind.message_type.GetOptions().map_entry:
            inner = [each for each in value.values() if hasattr(each, "ListFields")]
        else:
            inner = [value] if hasattr(value, "ListFields") else list(value)
        if kind.name == "search_attributes":
            continue
        for each in inner:
            found += key_ids(each)
    return found
