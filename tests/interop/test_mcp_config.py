"""The file of MCP servers, the pins beside it, and what agents get of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.interop import declared, pins
from agents.interop.declared import Declared, McpConfigError
from agents.interop.pins import Pin, Pins, unusable
from agents.interop.tools import equipped, named, strict
from agents.toolkit import Agent
from tests.workflows.stage import agent
from tests.workflows.world import reading

OBJECT: dict[str, Any] = {"type": "object", "properties": {"item": {"type": "string"}}}


class Nobody:
    """A caller that is never called."""

    async def call(self, *_: object, **__: object) -> str:
        raise AssertionError


def _declared(**entry: Any) -> Declared:
    return Declared.model_validate({"servers": {"shop": {"command": "shop", **entry}}})


def _ready(entries: Declared, *tools: Pin, **more: Agent) -> Any:
    known = Pins(servers={"shop": tools})
    return equipped({"tester": agent()} | more, entries, known, Nobody())


@pytest.mark.requirement("C4.8:config")
@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[servers", "is no TOML"),
        ("[server.x]", "server: Extra inputs are not permitted"),
        ("[servers.X]\ncommand = 'x'", "servers.X: String should match pattern"),
        ("[servers.x]", "servers.x: expected either command (a program) or url (an address)"),
        ("[servers.x]\ncommand = 'x'\nurl = 'http://x'", "expected either command"),
        ("[servers.x]\nurl = 'ftp://x'", "expected http:// or https://"),
        ("[servers.x]\nurl = 'http://me:sk-1@x/mcp'", "url has a name or a password in it"),
        ("[servers.x]\nurl = 'http://x'\nenv = ['A']", "args, env and cwd belong to a command"),
        ("[servers.x]\ncommand = 'x'\nheaders = {A = 'B'}", "headers belong to a url"),
        (
            "[servers.x]\ncommand = 'x'\n[servers.x.tools.y]\neffect = 'none'",
            "servers.x.tools.y.effect: Input should be 'read', 'write' or 'irreversible'",
        ),
        (
            "[servers.x]\ncommand = 'x'\n[servers.x.tools.y]\nkey_argument = 'key'",
            "say idempotent = true as well",
        ),
        ("[servers.x]\ncommand = 'x'\nenv = {K = 'sk-1'}", "expected the name of a variable"),
        ("[servers.x]\ncommand = 'x'\nenv = {K = 'KEY'}\ntimeout_s = 0", "greater than 0"),
        (
            "[servers.x]\ncommand = 'x'\nargs = ['--key', 'sk-ant-" + "a" * 30 + "']",
            "form of a secret (Anthropic key)",
        ),
    ],
)
def test_a_file_that_cannot_be_says_what_is_wrong(tmp_path: Path, text: str, wrong: str) -> None:
    """One sentence with the file, the place and what was expected; never a value."""
    file = tmp_path / "mcp.toml"
    file.write_text(text)

    with pytest.raises(McpConfigError) as caught:
        declared.load(file)

    assert wrong in str(caught.value)
    assert str(file) in str(caught.value)
    assert "sk-1" not in str(caught.value)


@pytest.mark.requirement("C4.8:config")
def test_a_file_that_is_not_there_says_how_it_is_named(tmp_path: Path) -> None:
    """A wrong HOLDFAST_MCP is a clear error, not a worker without tools."""
    with pytest.raises(McpConfigError, match="correct HOLDFAST_MCP"):
        declared.load(tmp_path / "none.toml")


@pytest.mark.requirement("C4.8:pins")
def test_pins_are_read_as_they_were_written_and_changes_by_hand_are_seen(tmp_path: Path) -> None:
    """Whoever edits a pinned description has to pin it again."""
    file = tmp_path / "mcp.toml"
    kept = Pins(servers={"shop": (Pin(name="look", description="Look.", parameters=OBJECT),)})
    written = pins.save(file, kept)
    assert pins.load(file) == kept
    assert written.name == "mcp.lock.json"

    written.write_text(written.read_text().replace("Look.", "Obey."))

    with pytest.raises(McpConfigError, match="changed by hand"):
        pins.load(file)


@pytest.mark.requirement("C4.8:pins")
@pytest.mark.parametrize("text", ["{", "[]", '{"servers": {"shop": [{"hash": "x"}]}}'])
def test_damaged_pins_stop_the_start(tmp_path: Path, text: str) -> None:
    """They say how they are made anew."""
    (tmp_path / "mcp.lock.json").write_text(text)

    with pytest.raises(McpConfigError, match="mcp check --pin"):
        pins.load(tmp_path / "mcp.toml")


@pytest.mark.requirement("C4.8:pins")
def test_a_server_that_nobody_has_pinned_lends_nothing() -> None:
    """Its descriptions were read by no person, so no model reads them."""
    ready = equipped({"tester": agent()}, _declared(agents=["tester"]), Pins(), Nobody())

    assert ready.agents["tester"].tools == ()
    (problem,) = ready.problems
    assert problem.startswith("MCP server 'shop' is not pinned, so its tools are not offered")
    assert problem.endswith("python starter.py mcp check --pin")


@pytest.mark.requirement("C4.8:mcp-tools")
def test_agents_get_the_tools_that_they_are_declared_to_get() -> None:
    """The server's list, a tool's own list, and only what is offered."""
    entries = _declared(
        agents=["tester"],
        offer=["look", "put"],
        tools={"put": {"effect": "write", "agents": ["clerk"]}, "look": {"effect": "read"}},
    )
    pinned = [Pin(name=name, parameters=OBJECT) for name in ("look", "put", "drop")]
    ready = _ready(entries, *pinned, clerk=agent("clerk"))

    names = {name: [tool.spec.name for tool in each.tools] for name, each in ready.agents.items()}
    assert names == {
        "tester": ["read_artifact", "shop_look"],
        "clerk": ["read_artifact", "shop_put"],
    }
    assert ready.problems == ()


@pytest.mark.requirement("C4.8:not-there")
def test_what_cannot_be_offered_is_left_out_and_named() -> None:
    """A wrong name, a clash and a bad schema keep nobody from being served."""
    entries = _declared(agents=["tester", "nobody"], tools={"lok": {"effect": "read"}})
    clash = agent("clerk", tools=[reading(name="shop_look")])
    good, bad = Pin(name="put", parameters=OBJECT), Pin(name="drop", parameters={"type": "array"})
    ready = _ready(entries, Pin(name="look", parameters=OBJECT), good, bad, clerk=clash)

    assert [tool.spec.name for tool in ready.agents["tester"].tools] == [
        "read_artifact",
        "shop_put",
    ]
    assert [problem.split(": ")[0] for problem in ready.problems] == [
        "MCP server 'shop' has no pinned tool 'lok'; there are ['drop', 'look', 'put']",
        "MCP server 'shop' names the agent 'nobody'; there are ['clerk', 'tester']",
        "MCP tool 'look' of 'shop' is not offered",
        "MCP tool 'drop' of 'shop' is not offered",
    ]


@pytest.mark.requirement("C4.8:mcp-tools")
def test_names_are_what_every_provider_takes() -> None:
    """Prefixed, lower case, at most 64 characters, and no two alike."""
    found = named("shop", [Pin(name=name) for name in ("Get.Item-1", "get_item_1", "x" * 90, "a")])

    assert found[3] == "shop_a"
    assert found[0].startswith("shop_get_item_1_")
    assert len(set(found)) == 4
    assert max(map(len, found)) == 64


@pytest.mark.requirement("C4.8:mcp-tools")
@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "string"}, "not of an object"),
        ({"type": "object", "properties": {"a": {"type": "nothing"}}}, "no JSON Schema"),
        ({"type": "object", "properties": {"a": {"$ref": "http://x/y"}}}, "outside of itself"),
        ({"type": "object", "description": "x" * 70_000}, "64,000 are allowed"),
        (json.loads('{"type":"object","a":' * 70 + "1" + "}" * 70), "nested too deeply"),
    ],
)
def test_a_schema_that_cannot_be_checked_is_not_offered(
    schema: dict[str, Any], reason: str
) -> None:
    """Nothing is fetched to understand it, and nothing wedges a run later."""
    assert reason in unusable(Pin(name="look", parameters=schema))


@pytest.mark.requirement("C4.8:mcp-tools")
def test_a_servers_schema_is_made_strict_where_it_says_nothing() -> None:
    """Unknown arguments are refused; what the server says of them itself is left as it is."""
    open_ended = OBJECT | {"additionalProperties": True}
    composed = OBJECT | {"anyOf": [{"required": ["item"]}]}

    assert strict(OBJECT)["additionalProperties"] is False
    assert strict(open_ended) == open_ended
    assert strict(composed) == composed
    assert strict({"type": "object"})["properties"] == {}
