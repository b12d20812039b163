"""Faults on request: which calls get one, the same for a seed, and an agent's inventions."""

import sys
import time
from collections.abc import Generator
from pathlib import Path

import orjson
import pytest

import agents
from runtime.offline import rules
from runtime.offline.app import App
from runtime.offline.http import Request, Response
from runtime.offline.misbehaviour import Dice, MisbehaveError, Thrown, load, parse

INVENTIVE = """
from agents.offline import answer

def reply(conversation):
    return answer({"findings": []})

def invent(conversation, reply, rng):
    return answer({"findings": [rng.randrange(1000)]})
"""


@pytest.fixture
def inventive(tmp_path: Path) -> Generator[str]:
    """An agent of this test's own whose rules can make things up."""
    folder = tmp_path / "inventive"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "offline.py").write_text(INVENTIVE)
    agents.__path__.append(str(tmp_path))
    yield "inventive"
    agents.__path__.remove(str(tmp_path))
    rules.rules_of.cache_clear()
    for name in ("agents.inventive", "agents.inventive.offline"):
        sys.modules.pop(name, None)


def _request(agent: str, task: str) -> Request:
    body = {
        "model": "gpt-5-mini",
        "messages": [
            {"role": "system", "content": f"Agent: {agent} (prompt v1)"},
            {"role": "user", "content": task},
        ],
    }
    return Request("POST", "/v1/chat/completions", {}, orjson.dumps(body))


async def _answers(app: App, agent: str, tasks: int) -> list[str]:
    replies = [await app(_request(agent, f"task {number}")) for number in range(tasks)]
    return [orjson.loads(reply.body)["choices"][0]["message"]["content"] for reply in replies]


async def test_inventions_come_at_their_rate(inventive: str) -> None:
    """About 30 % of the answers are made up at a rate of 0.3, by the agent's own rules."""
    app = App(parse(["invent_finding,rate=0.3"], seed=1))

    made_up = [text != '{"findings": []}' for text in await _answers(app, inventive, 400)]

    assert 90 <= sum(made_up) <= 150


async def test_a_seed_gives_the_same_faults(inventive: str) -> None:
    """The same seed, tasks and tries give the same inventions; another seed others."""
    first, again, other = [
        await _answers(App(parse(["invent_finding,rate=0.5"], seed=seed)), inventive, 50)
        for seed in (1, 1, 2)
    ]

    assert first == again
    assert first != other


async def test_an_agent_that_invents_nothing_is_left_alone(inventive: str) -> None:
    """Rules without `invent`, and other agents, answer as ever."""
    app = App(parse([f"invent_finding,agent={inventive}"], seed=1))

    assert await _answers(app, "nobody", 2) == await _answers(App(parse([])), "nobody", 2)


def test_a_rule_has_a_beginning_and_an_end() -> None:
    """`skip` and `first` count the calls that the rule is for, and no others."""
    dice = Dice(parse(["hang,agent=a,skip=1,first=2"]))

    thrown = [bool(dice.throw(Thrown(agent, "same", 0))) for agent in "aabbaaa"]

    assert thrown == [False, True, False, False, True, False, False]


def test_a_repeated_request_is_a_new_draw() -> None:
    """At a rate, the retry of a request that failed is not bound to fail again."""
    dice = Dice(parse(["server_error,rate=0.5"], seed=3))

    drawn = {bool(dice.throw(Thrown("a", "same", attempt))) for attempt in range(20)}

    assert drawn == {True, False}


async def test_latency_is_waited_for() -> None:
    """A slow model answers after the time that was set."""
    app = App(parse(["latency,ms=80"]))
    began = time.perf_counter()

    await app(_request("nobody", "x"))

    assert time.perf_counter() - began >= 0.08


async def test_an_agents_own_latency_is_waited_for() -> None:
    """The bench agent's script says how long its model thinks."""
    began = time.perf_counter()

    await App(parse([]))(_request("bench", '{"turns": 0, "latency_ms": 80}'))

    assert time.perf_counter() - began >= 0.08


@pytest.mark.parametrize(
    ("rule", "status", "fault"),
    [
        ("rate_limit,retry_after_s=2.5", 429, ""),
        ("server_error", 500, ""),
        ("unauthorized", 401, ""),
        ("quota", 429, ""),
        ("error,status=529", 529, ""),
        ("cut", 200, "cut"),
        ("hang", 200, "hang"),
    ],
)
async def test_a_fault_is_what_it_says(rule: str, status: int, fault: str) -> None:
    """Each fault has its status, and the rate limit its delay."""
    response: Response = await App(parse([rule]))(_request("nobody", "x"))

    assert (response.status, response.fault) == (status, fault)
    assert response.headers.get("retry-after") == (
        "2.5" if status == 429 and "2.5" in rule else None
    )


@pytest.mark.parametrize(
    "value", [None, [], {"rules": 7}, {"seed": "x"}, {"rules": [{"kind": "x"}]}]
)
def test_what_is_no_setting_is_refused(value: object) -> None:
    """The error names the value and lists the kinds there are."""
    with pytest.raises(MisbehaveError, match="invent_finding"):
        load(value)


def test_a_rule_can_be_for_one_vendor_from_one_turn_on() -> None:
    """So that a provider goes down in mid-run, while another one serves."""
    dice = Dice(parse(["server_error,vendor=openai,turn=3"]))

    hit = {
        (vendor, turn): bool(dice.throw(Thrown("a", "same", 0, vendor, turn)))
        for vendor in ("openai", "anthropic")
        for turn in (1, 2, 3, 4)
    }

    assert [at for at, thrown in hit.items() if thrown] == [("openai", 3), ("openai", 4)]
