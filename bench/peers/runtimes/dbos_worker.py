"""DBOS on SQLite: a workflow whose model call and tools are steps; runs are asked for on stdin."""

# pyright: basic, reportMissingImports=false
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

import asyncio
import json
import os
import sys

from common import CHARGE_DOC, LOOKUP_DOC, MODEL, SYSTEM, charge_for, client, lookup_text
from dbos import DBOS, SetWorkflowID

openai = client()


def described(name: str, does: str, argument: str) -> dict:
    """Return a tool as the chat completions API takes it."""
    form = {"type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]}
    return {
        "type": "function",
        "function": {"name": name, "description": does, "parameters": form},
    }


OFFERED = [
    described("lookup", LOOKUP_DOC, "key"),
    described("drill_charge", CHARGE_DOC, "item"),
]


@DBOS.step()
async def call_model(messages: list[dict]) -> dict:
    """Ask the model with the whole conversation."""
    reply = await openai.chat.completions.create(model=MODEL, messages=messages, tools=OFFERED)
    return reply.choices[0].message.model_dump(exclude_none=True)


@DBOS.step()
async def lookup(key: str) -> str:
    """Look a key up."""
    return lookup_text(key)


@DBOS.step()
async def drill_charge(item: str) -> str:
    """Charge for an item."""
    return await charge_for(item)


TOOLS = {"lookup": lookup, "drill_charge": drill_charge}


@DBOS.workflow()
async def loop(agent: str, task: str) -> str:
    """Run until the model answers."""
    messages = [{"role": "system", "content": SYSTEM[agent]}, {"role": "user", "content": task}]
    while True:
        said = await call_model(messages)
        messages.append(said)
        if not said.get("tool_calls"):
            return said["content"]
        for call in said["tool_calls"]:
            arguments = json.loads(call["function"]["arguments"])
            text = await TOOLS[call["function"]["name"]](**arguments)
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": text})


async def answer(asked: dict) -> None:
    """Start a run, or take up one that is known, and say what it came to."""
    run = asked["run"]
    try:
        if "task" in asked:
            with SetWorkflowID(run):
                handle = await DBOS.start_workflow_async(loop, asked["agent"], asked["task"])
        else:
            handle = await DBOS.retrieve_workflow_async(run)
        said = {"run": run, "ok": True, "result": await handle.get_result()}
        steps = await DBOS.list_workflow_steps_async(run)
        said["bytes"] = sum(len(json.dumps(step["output"], default=str)) for step in steps)
    except Exception as error:  # noqa: BLE001 - whatever it was, it is what the run came to
        said = {"run": run, "ok": False, "error": f"{type(error).__name__}: {error}"[:300]}
    print(json.dumps(said), flush=True)


async def main() -> None:
    """Answer lines until stdin ends."""
    url = f"sqlite:///{os.environ['PEERS_EFFECTS']}/dbos.db"
    named = {"name": "bench", "application_version": "1", "log_level": "ERROR"}
    DBOS(config={**named, "system_database_url": url})
    DBOS.launch()
    lines = asyncio.StreamReader(limit=2**24)
    loop_ = asyncio.get_running_loop()
    await loop_.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print(json.dumps({"serves": "dbos"}), flush=True)
    running = set()
    while line := await lines.readline():
        task = asyncio.create_task(answer(json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)
    DBOS.destroy()


if __name__ == "__main__":
    asyncio.run(main())
