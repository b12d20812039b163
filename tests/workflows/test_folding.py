"""A run that is longer than its window."""

import json

import pytest
from pydantic import BaseModel

from domain.window import WindowPolicy
from tests.fakes import Asked, Step, answer, call
from tests.workflows.stage import Stage, agent
from tests.workflows.world import reading

SMALL = WindowPolicy(messages=6, keep=2)


@pytest.mark.requirement("C5.1:window-cut")
async def test_x(stage: Stage) -> None:
    """x."""

    def script(asked: Asked) -> Step:
        if asked.purpose == "summary":
            said = asked.messages[-1].text
            n = [line.split()[0] for line in said.splitlines() if line.startswith("m")]
            return json.dumps({"facts": [{"text": "the key is value of 0", "source": n[0]}], "progress": "going on"})
        done = len([m for m in asked.messages if m.role == "tool"])
        print(len(asked.messages), [m.text[:50] for m in asked.messages][:2])
        if asked.messages[-1].text.endswith("value of 20"):
            return "done"
        last = asked.messages[-1].text.rpartition(" ")[2] if done else "-1"
        return call("lookup", key=str(int(last) + 1))

    await stage.play(agent(tools=[reading()], window=SMALL), script)

    result = await stage.run()
    print(result)
    for a in stage.provider.asked[-1].messages: print(a.role, a.text[:2000])
    assert 0
