"""What a tool is written with.

A tool is a typed async function. Its JSON Schema comes from its annotations, its description
from its docstring, and it runs as an activity of its own name.
"""

import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, create_model

from agents.remembering import Remembering
from agents.selfchecks.second import SecondCheck
from domain.breaker import BreakerPolicy
from domain.selecting import SELECT, argument
from domain.tools import FLAG, Effect, Kind, ToolSpec, hard_timeout

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
# Not a part of the spec that a run keeps: it is one for all runs, and a deploy changes it for all.
_BREAKER: Final = BreakerPolicy()


class ToolError(Exception):
    """A deterministic refusal: the model is told the text, and nothing is retried."""


class ToolUnavailableError(Exception):
    """Nothing happened, and a later attempt may go through: also safe to raise in a write.

    Args:
        message: What is not available.
        retry_after: How long the service asks to be left alone.
    """

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ToolChangedError(Exception):
    """Nothing happened: the tool is no longer what it was declared as, so the run stops.

    The message says what differs, and what a person can do about it.
    """


@dataclass(frozen=True)
class ToolContext:
    """What a tool knows besides its arguments; the model neither sees nor sets any of it.

    Attributes:
        run_id: The run's workflow id.
        tenant: Whose run it is.
        key: Idempotency key of this call: hand it to the service that a write goes to.
        data: The run's inputs, for example `ledger`.
        of: For a compensation, the result of the call that it undoes.
        database: SQLAlchemy URL of Holdfast's own database.
        artifact: Returns what is kept under an artifact's reference.
        memory: The run's long-term memory, for a tool that is declared with `memory`.
    """

    run_id: str
    tenant: str
    key: str
    data: dict[str, str]
    of: str = ""
    database: str = ""
    artifact: Callable[[str], Awaitable[bytes | None]] | None = None
    memory: Remembering | None = None


Reconcile = Callable[[ToolContext], Awaitable[bool | None]]


@dataclass(frozen=True)
class Tool:
    """A declared tool: what the model sees, and the function that runs."""

    spec: ToolSpec
    function: Callable[..., Awaitable[Any]]
    arguments: type[BaseModel]
    context_as: str
    returns: TypeAdapter[Any]
    reconcile: Reconcile | None = None
    second_check: SecondCheck | None = None
    breaker: BreakerPolicy | None = _BREAKER

    async def __call__(self, context: ToolContext, arguments: dict[str, Any]) -> str:
        """Run with `arguments` and return the result as the text that the model reads.

        Raises:
            pydantic.ValidationError: The arguments do not fit.
            ToolError: The tool refuses.
        """
        if self.spec.select:  # what is done with that is not the function's to know
            arguments = {name: value for name, value in arguments.items() if name != SELECT}
        parsed = self.arguments.model_validate(arguments)
        given = {name: getattr(parsed, name) for name in self.arguments.model_fields}
        if self.context_as:
            given[self.context_as] = context
        result = await self.function(**given)
        if isinstance(result, str):
            return result
        return self.returns.dump_json(result, exclude_none=True).decode()


def tool(
    *,
    effect: Literal["read", "write", "irreversible"] = "read",
    kind: Kind = "call",
    timeout: float | None = None,
    attempts: int = 3,
    idempotent: bool = False,
    rate_per_second: float = 0,
    fallback: str = FLAG,
    compensate: str = "",
    reconcile: Reconcile | None = None,
    result_bytes: int = 16_000,
    polling: bool = False,
    breaker: BreakerPolicy | None = _BREAKER,
    source: Literal["ours", "outside", "kept"] | None = None,
    memory: bool = False,
    second_check: SecondCheck | None = None,
    select: bool = False,
) -> Callable[[Callable[..., Awaitable[Any]]], Tool]:
    """Declare a typed async function as a tool.

    Args:
        effect: What it does to the world. Irreversible ones are always put before a person.
        kind: A `call` answers in seconds, and may take 60; `processing` takes minutes, and may
            take 600; a `command` is a person's program, and may take 1200.
        timeout: Seconds one attempt may take: 30, 300 and 600 if left out.
        attempts: Attempts at transient failures. A write that is not `idempotent` has one.
        idempotent: The function hands `ToolContext.key` to a service that honours it.
        rate_per_second: Limit over all workers; the tool then has a task queue of its own.
        fallback: When attempts are used up: `flag`, `stop` or another tool's name.
        compensate: Name of the tool that undoes a completed call.
        reconcile: Says for a key whether the effect happened; None where it cannot tell.
        result_bytes: UTF-8 bytes of a result that the model sees.
        polling: Repeating the same call is the tool's purpose.
        breaker: When the tool counts as down for all runs of all workers; None for never.
        source: `ours` where a result is your own system's data and no free text of strangers;
            `outside` where it is: mails, documents, web pages, tickets. A read of which nothing
            is said is from outside, so that a forgotten word opens nothing. `kept` is for tools
            that page through earlier results by their `reference`.
        memory: The tool uses the run's long-term memory (`ToolContext.memory`).
        second_check: Looks at each call before a person is asked and right before its effect,
            and returns why it must not run. Every irreversible tool should have one.
        select: For a read with large results: the model may name the fields that it needs, is
            shown those alone, and can read the whole later.

    Raises:
        TypeError: The function is not async, or a parameter has no annotation; `select` is set
            for a write, or is the name of a parameter.
        ValueError: The timeout is not one that its kind of tool has.
    """

    def declare(function: Callable[..., Awaitable[Any]]) -> Tool:
        name = _checked_name(function)
        arguments, context_as, returns = _signature(function)
        result = TypeAdapter(returns)
        parameters = schema_of(arguments)
        if select:
            parameters = _with_select(name, effect, parameters, result)
        spec = ToolSpec(
            name=name,
            description=_description(function, context_as),
            parameters=parameters,
            effect=Effect(effect),
            kind=kind,
            timeout_s=hard_timeout(name, kind, timeout),
            attempts=attempts,
            idempotent=idempotent,
            reconciles=reconcile is not None,
            fallback=fallback,
            compensation=compensate,
            result_bytes=result_bytes,
            polling=polling,
            queue=f"tool.{name}" if rate_per_second else "",
            rate_per_second=rate_per_second,
            source=source or ("outside" if effect == "read" else "ours"),
            memory=memory,
            second_check=second_check is not None,
            select=select,
        )
        return Tool(spec, function, arguments, context_as, result, reconcile, second_check, breaker)

    return declare


def _with_select(
    name: str, effect: str, parameters: dict[str, Any], returns: TypeAdapter[Any]
) -> dict[str, Any]:
    """Return the arguments' schema with the argument that names fields of the result."""
    if effect != Effect.READ:
        raise TypeError(
            f"tool {name!r}: select is for reads; what a write returns is recorded whole"
        )
    if SELECT in parameters["properties"]:
        raise TypeError(f"tool {name!r}: with select, {SELECT!r} is not a parameter of its own")
    chosen = {SELECT: argument(returns.json_schema())}
    return parameters | {"properties": parameters["properties"] | chosen}


def _checked_name(function: Callable[..., Awaitable[Any]]) -> str:
    name = getattr(function, "__name__", "")
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"tool {name!r} must be an `async def`")
    if not NAME.fullmatch(name):
        raise TypeError(f"tool {name!r}: names are lower case letters, digits and underscores")
    if not function.__doc__:
        raise TypeError(f"tool {name!r} needs a docstring: the model reads it as the description")
    return name


def _description(function: Callable[..., Awaitable[Any]], context_as: str) -> str:
    """Return the docstring without the parameter that the model never sees."""
    lines = inspect.cleandoc(function.__doc__ or "").splitlines()
    hidden = f"    {context_as}:"
    return "\n".join(line for line in lines if not (context_as and line.startswith(hidden)))


def _signature(
    function: Callable[..., Awaitable[Any]],
) -> tuple[type[BaseModel], str, Any]:
    """Return the arguments model, the name of the context parameter, and the result's type."""
    hints = get_type_hints(function, include_extras=True)
    context_as = ""
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in hints:
            raise TypeError(f"tool {function.__name__!r}: parameter {name!r} needs a type")
        if hints[name] is ToolContext:
            context_as = name
            continue
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[name] = (hints[name], default)
    strict = ConfigDict(extra="forbid", strict=False)
    arguments = create_model(f"{function.__name__}_arguments", __config__=strict, **fields)
    return arguments, context_as, hints.get("return", str)


def schema_of(arguments: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a call's arguments, without titles."""
    schema = arguments.model_json_schema()
    schema.pop("title", None)
    for described in schema.get("properties", {}).values():
        described.pop("title", None)
    schema.setdefault("properties", {})
    return schema
