"""Faults on request: which call gets which, the same for the same seed.

A draw hangs on the seed, the conversation and how often this very request came before, not on
the clock nor on what other runs do, so that a failing case can be run again.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError

from domain.contract import Strict

Kind = Literal[
    "latency",  # answers after `ms`
    "hang",  # never answers
    "rate_limit",  # 429 with retry-after
    "server_error",  # 500
    "error",  # any other `status`
    "unauthorized",  # 401, echoing the key as providers do
    "quota",  # 429 that says the account is empty
    "cut",  # half a reply, then the connection closes
    "oversized",  # a reply of megabytes
    "malformed",  # tool arguments that are not JSON
    "invent_tool",  # a call of a tool that does not exist
    "wrong_types",  # tool arguments of the wrong types
    "invent_finding",  # what the agent's own `invent` makes up
    "slip",  # one thing in a reply is wrong: what evaluations have for noise
]
KINDS: tuple[str, ...] = get_args(Kind)


class Rule(Strict):
    """One fault, for some calls.

    Attributes:
        agent: The agent whose calls it is for; empty for all.
        vendor: The vendor at whose address it happens: openai, anthropic or local; empty for all.
        turn: The turn of a conversation that it begins with, from 1; 0 for any.
        rate: Share of the calls, by chance.
        skip: Calls that pass before the rule begins.
        first: Calls it is for, counted from the rule's beginning; 0 for all.
        ms: Of `latency`.
        retry_after_s: Of `rate_limit`.
        status: Of `error`.
    """

    kind: Kind
    agent: str = ""
    vendor: str = ""
    turn: int = Field(default=0, ge=0)
    rate: float = Field(default=1, ge=0, le=1)
    skip: int = Field(default=0, ge=0)
    first: int = Field(default=0, ge=0)
    ms: float = Field(default=0, ge=0)
    retry_after_s: float = Field(default=1, ge=0)
    status: int = Field(default=400, ge=400, le=599)


class Misbehave(Strict):
    """What `POST /misbehave` takes: it replaces all rules and starts their counts anew.

    Attributes:
        keep: So many of the last requests are kept to be looked at, at `/requests/CALLER`.
    """

    seed: int = 0
    keep: int = Field(default=0, ge=0)
    rules: tuple[Rule, ...] = ()


class MisbehaveError(ValueError):
    """A rule cannot be read."""


def parse_rule(text: str) -> dict[str, Any]:
    """Read `kind,name=value,...`, for example `rate_limit,agent=auditor,rate=0.2`."""
    kind, *rest = (part.strip() for part in text.split(","))
    pairs = (part.partition("=") for part in rest)
    return {"kind": kind, **{name: value for name, _, value in pairs}}


def parse(texts: Iterable[str], seed: int = 0) -> Misbehave:
    """Read rules as the command line and the environment write them.

    Raises:
        MisbehaveError: Names the first thing that is wrong.
    """
    rules = [parse_rule(text) for text in texts if text.strip()]
    return load({"seed": seed, "rules": rules})


def load(value: Any) -> Misbehave:
    """Read rules from JSON.

    Raises:
        MisbehaveError: Names the first thing that is wrong.
    """
    try:
        return TypeAdapter(Misbehave).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise MisbehaveError(
            f"{where or 'the rules'} {first['input']!r}: {first['msg']}; a rule is "
            f"kind[,agent=..][,vendor=..][,turn=n][,rate=0..1][,first=n][,skip=n][,ms=..][,retry_after_s=..]"
            f"[,status=..] with a "
            f"kind of {', '.join(KINDS)}"
        ) from None


@dataclass(frozen=True)
class Thrown:
    """What a rule looks at of one call.

    Attributes:
        fingerprint: Of the conversation.
        attempt: How often this very request came before.
        turn: Of the conversation, from 1.
    """

    agent: str
    fingerprint: str
    attempt: int
    vendor: str = ""
    turn: int = 0


class Dice:
    """Decides, call by call, which faults a call gets."""

    def __init__(self, setting: Misbehave) -> None:
        self.setting = setting
        self._seen = [0] * len(setting.rules)

    def throw(self, call: Thrown) -> list[Rule]:
        """Return the rules that this call falls under."""
        hit: list[Rule] = []
        for number, rule in enumerate(self.setting.rules):
            if rule.agent not in {"", call.agent} or rule.vendor not in {"", call.vendor}:
                continue
            if call.turn < rule.turn:
                continue
            self._seen[number] += 1
            turn = self._seen[number] - rule.skip
            if turn <= 0 or (rule.first and turn > rule.first):
                continue
            if (
                self.rng(call.fingerprint, call.attempt, f"{number}{rule.kind}").random()
                < rule.rate
            ):
                hit.append(rule)
        return hit

    def rng(self, fingerprint: str, attempt: int, purpose: str) -> random.Random:
        """Return the generator for one purpose of one call."""
        seed = f"{self.setting.seed}|{fingerprint}|{attempt}|{purpose}"
        return random.Random(seed)  # noqa: S311 - repeatable on purpose
