"""The yardstick: the agent loop as one writes it first on Temporal.

One activity for the model, one for the tool; the whole transcript is the model activity's input,
and the vendor's SDK is called as its documentation shows. Same server, same model, same tool.
"""

import asyncio
import json
import os
import signal
from datetime import timedelta
from typing import Any, Final

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from openai import AsyncOpenAI

    from agents.bench.tools import lookup as lookup_tool
    from agents.toolkit import ToolContext

QUEUE: Final = "bare"
_TOOL: Final = {
    "type": "function",
    "function": {
        "name": "lookup",
        "description": lookup_tool.spec.description,
        "parameters": lookup_tool.spec.parameters,
    },
}
_SYSTEM: Final = "Agent: bench (prompt v1)\n\nCall `lookup` once a turn with the key you are told."
_TIMEOUT: Final = timedelta(seconds=60)


class Model:
    """The model activity, with the SDK's client made once."""

    def __init__(self, base_url: str) -> None:
        self._client = AsyncOpenAI(base_url=f"{base_url}/v1", api_key="offline", max_retries=0)

    @activity.defn(name="call_model")
    async def call_model(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """Ask the model with the whole conversation."""
        reply = await self._client.chat.completions.create(
            model="gpt-5-mini",
            messages=messages,  # pyright: ignore[reportArgumentType]
            tools=[_TOOL],  # pyright: ignore[reportArgumentType]
        )
        return reply.choices[0].message.model_dump(exclude_none=True)


@activity.defn(name="call_tool")
async def call_tool(arguments: dict[str, Any]) -> str:
    """Run the bench agent's tool."""
    nobody = ToolContext(run_id="", tenant="", key="", data={})
    return await lookup_tool(nobody, arguments)


@workflow.defn(name="BareLoop")
class BareLoop:
    """Think, act, resend everything."""

    @workflow.run
    async def run(self, task: str) -> str:
        """Loop until the model answers."""
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": _SYSTEM},
            {"role": "user", "content": task},
        ]
        while True:
            said = await workflow.execute_activity(
                "call_model", messages, result_type=dict[str, Any], start_to_close_timeout=_TIMEOUT
            )
            messages.append(said)
            if not said.get("tool_calls"):
                return str(said.get("content", ""))
            for call in said["tool_calls"]:
                arguments = json.loads(call["function"]["arguments"])
                text = await workflow.execute_activity(
                    "call_tool", arguments, result_type=str, start_to_close_timeout=_TIMEOUT
                )
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": text})


async def serve() -> None:
    """Serve until SIGTERM, with the SDK's defaults."""
    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"])
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    model = Model(os.environ["HOLDFAST_OFFLINE_URL"])
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[BareLoop],
        activities=[model.call_model, call_tool],
    )
    async with worker:
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve())
