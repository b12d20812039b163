"""The agent that the README shows, written down and run as its reader would."""

import importlib
import re
from pathlib import Path

import pytest

import agents
from agents.offline import Conversation, Result
from runtime.settings import PROJECT
from tests.fakes import Asked, Say, call
from tests.workflows.stage import Stage

_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
_FILE = re.compile(r"^# (agents/\w+/\w+\.py)", re.MULTILINE)
PROMPT = "agents/returns/prompts/system.v1.0.0.md"


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of the README's agent, where Python finds them."""
    block = next(
        block
        for block in re.findall(
            r"```python\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL
        )
        if "AGENT = " in block
    )
    parts = _FILE.split(block)[1:]
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {text}")
    (tmp_path / PROMPT).parent.mkdir()
    (tmp_path / PROMPT).write_text("You handle parcels that come back.")
    monkeypatch.setattr(agents, "__path__", [*agents.__path__, str(tmp_path / "agents")])
    return tmp_path / "agents"


def _conversation(asked: Asked) -> Conversation:
    names = ("find_parcel", "pay_back")
    results = [Result(name, {}, text) for name, text in zip(names, asked.results, strict=False)]
    return Conversation(results=results)


@pytest.mark.usefixtures("shown")
@pytest.mark.requirement("C6.9:readme")
async def test_the_agent_of_the_readme_asks_before_it_pays(stage: Stage) -> None:
    """Found, asked about, paid with a key; its stand-in's rules lead there."""
    made = importlib.import_module("agents.returns.spec").AGENT
    rules = importlib.import_module("agents.returns.offline")

    def model(asked: Asked) -> Say:
        said = rules.reply(_conversation(asked))
        return call(said.calls[0].name, **said.calls[0].arguments) if said.calls else Say(said.text)

    await stage.play(made, model)
    handle = await stage.start("Order A-17 came back")
    question = await stage.asked(handle)
    await stage.decide(handle, verdict="approve")
    result = await stage.result(handle)

    assert question["tool"] == "pay_back"
    assert str(result.answer).startswith("paid 3000 cents back for A-17, key ")
