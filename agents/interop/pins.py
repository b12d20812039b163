"""Pins: what a person has seen of a server's tools, and what alone a model is shown.

A server can change a tool's description after it was looked at, and so speak to the model. The
text and the schema that a model reads therefore come from the pins, never from the server that
runs; the running server's are compared with them, and a tool that differs is not called.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import Field, ValidationError

from agents.interop.declared import McpConfigError
from domain.contract import MAX_DEPTH, Contract, canonical, digest, strict_json

SUFFIX: Final = ".lock.json"
MOST_TEXT: Final = 1_024  # characters of a description; the providers take no more
_MOST_SCHEMA: Final = 64_000  # bytes
PIN: Final = "python starter.py mcp check --pin"


class Pin(Contract):
    """A tool as its server described it when a person looked.

    Attributes:
        name: The server's own name for it.
        parameters: The server's JSON Schema of the arguments, as it was given.
    """

    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)

    @property
    def hash(self) -> str:
        """Changes with anything that a model could read."""
        return digest(canonical([self.name, self.description, self.parameters]), length=12)


class Pins(Contract):
    """What was pinned of all servers, by the server's name."""

    servers: dict[str, tuple[Pin, ...]] = Field(default_factory=dict)

    def of(self, server: str) -> tuple[Pin, ...] | None:
        """Return a server's pins; None where nobody has looked at it."""
        return self.servers.get(server)


def beside(path: Path) -> Path:
    """Return where the pins of the file of servers `path` are kept: `mcp.lock.json`."""
    return path.with_name(path.stem + SUFFIX)


def load(path: Path) -> Pins:
    """Read the pins beside the file of servers `path`; none where there are none yet.

    Raises:
        McpConfigError: The file is damaged, or was changed by hand.
    """
    file = beside(path)
    try:
        raw: Any = strict_json(file.read_text(encoding="utf-8"))
        pins = Pins.model_validate(raw)
    except FileNotFoundError:
        return Pins()
    except (OSError, ValueError, ValidationError):
        raise McpConfigError(f"{str(file)!r} cannot be read; make it anew: {PIN}") from None
    if _hashes(raw) != [pin.hash for each in pins.servers.values() for pin in each]:
        raise McpConfigError(
            f"{str(file)!r} was changed by hand: a hash does not fit its tool; make it anew: {PIN}"
        )
    return pins


def _hashes(raw: Any) -> list[object]:
    servers = cast("Mapping[str, Sequence[Mapping[str, object]]]", raw.get("servers", {}))
    return [tool.get("hash") for tools in servers.values() for tool in tools]


def save(path: Path, pins: Pins) -> Path:
    """Write the pins beside the file of servers `path`, and return where."""
    written = {
        "servers": {
            name: [{"hash": pin.hash, **pin.model_dump(mode="json")} for pin in tools]
            for name, tools in sorted(pins.servers.items())
        }
    }
    file = beside(path)
    file.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def unusable(pin: Pin) -> str:
    """Return why a tool cannot be offered to any model; nothing if it can."""
    if pin.parameters.get("type") != "object":
        return "its input schema is not of an object"
    raw = canonical(pin.parameters)
    if len(raw) > _MOST_SCHEMA:
        return f"its input schema has {len(raw):,} bytes; {_MOST_SCHEMA:,} are allowed"
    try:
        strict_json(raw.decode())
        Draft202012Validator.check_schema(pin.parameters)
    except SchemaError as error:
        return f"its input schema is no JSON Schema: {error.message[:200]}"
    except ValueError as error:
        return f"its input schema cannot be used: {error} (at most {MAX_DEPTH} levels)"
    foreign = [each for each in _references(pin.parameters) if not each.startswith("#")]
    if foreign:
        # To resolve it, whoever checks arguments would open an address of the server's choice.
        return f"its input schema refers to {foreign[0][:100]!r}, outside of itself"
    return ""


def _references(value: object) -> Iterable[str]:
    if isinstance(value, dict):
        for name, inner in cast("dict[str, object]", value).items():
            if name in {"$ref", "$dynamicRef"} and isinstance(inner, str):
                yield inner
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _references(inner)
