"""Slips: what a model that is mostly right gets wrong now and then, made by chance and a seed.

A reply with calls loses one of several, or one argument is a little off; an answer in JSON has one
value changed to another of its type; a text loses its last sentence. None of it breaks the form, so
it passes for a reply. An agent's own `slip(conversation, reply, rng)` stands in for these.
"""

import json
import random
from dataclasses import replace
from typing import Any, cast

from agents.offline import Call, Reply

_Path = tuple[str | int, ...]


def slipped(reply: Reply, rng: random.Random) -> Reply:
    """Return `reply` with one thing in it that is wrong."""
    if len(reply.calls) > 1 and rng.random() < 0.5:  # noqa: PLR2004 - one of two ways
        left = rng.randrange(len(reply.calls))
        return replace(reply, calls=tuple(c for i, c in enumerate(reply.calls) if i != left))
    if reply.calls:
        at = rng.randrange(len(reply.calls))
        calls = [_off(c, rng) if i == at else c for i, c in enumerate(reply.calls)]
        return replace(reply, calls=tuple(calls))
    return replace(reply, text=_misspoken(reply.text, rng), probable={})


def _off(call: Call, rng: random.Random) -> Call:
    if isinstance(call.arguments, str):
        return call
    return Call(call.name, cast("dict[str, Any]", _changed(dict(call.arguments), rng)))


def _misspoken(text: str, rng: random.Random) -> str:
    try:
        value: Any = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, dict | list):
        return json.dumps(_changed(value, rng), ensure_ascii=False)
    sentences = text.split(". ")
    return ". ".join(sentences[:-1]) + "." if len(sentences) > 1 else text[: len(text) // 2]


def _changed(value: Any, rng: random.Random) -> Any:
    """Return `value` with one of its leaves changed to another of the same type."""
    leaves = _leaves(value)
    if not leaves:
        return value
    path = rng.choice(leaves)
    copied = json.loads(json.dumps(value))
    inside: Any = copied
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = _other(inside[path[-1]], rng)
    return copied


def _leaves(value: Any, path: _Path = ()) -> list[_Path]:
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return [leaf for key, inner in items for leaf in _leaves(inner, (*path, key))]
    if isinstance(value, list):
        entries = cast("list[Any]", value)
        return [leaf for i, inner in enumerate(entries) for leaf in _leaves(inner, (*path, i))]
    return [path] if path and value is not None else []


def _other(leaf: Any, rng: random.Random) -> Any:
    if isinstance(leaf, bool):
        return not leaf
    if isinstance(leaf, int):
        return max(0, leaf + rng.choice((-1, 1, 10)))
    if isinstance(leaf, float):
        return round(leaf * rng.choice((0.5, 0.9)), 4)
    text = str(leaf)
    return text[:-1] if len(text) > 1 else text * 2
