"""The file that names MCP servers: who they are, which agents get which tools, what a call does.

A server says of itself whatever it likes; what a call does to the world is declared here, by the
person who configures it. A tool of which nothing is said is irreversible: each call is asked.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal, cast

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from domain.contract import Strict
from domain.secret_forms import is_variable, kind_of_secret
from domain.tools import FLAG, Effect

# With the underscore and a tool's name this must fit into the 64 characters of the providers.
NAME: Final = r"^[a-z][a-z0-9_]{0,23}$"


class McpConfigError(ValueError):
    """The file of MCP servers, or their pins, cannot be used; raised when a process starts."""


def _by_name(value: object) -> object:
    """Let a list of names stand for variables that are called the same on both sides."""
    if isinstance(value, list):
        return {str(name): name for name in cast("list[object]", value)}
    return value


def _variables(names: dict[str, str]) -> dict[str, str]:
    """Refuse a value in a variable's place: the file is committed, and read by everybody.

    Raises:
        ValueError: One is no variable's name.
    """
    for ours, name in names.items():
        if not is_variable(name):
            raise ValueError(
                f"{ours}: expected the name of a variable that holds the value, not the value "
                "itself; whatever is written here is no secret any more"
            )
    return names


Names = Annotated[dict[str, str], BeforeValidator(_by_name), AfterValidator(_variables)]


class DeclaredTool(Strict):
    """What a person says of one tool.

    Attributes:
        effect: What a call does to the world.
        agents: Who gets it, where that differs from the server's.
        timeout_s: Seconds one attempt may take.
        attempts: Attempts at transient failures; a write that is not `idempotent` has one.
        idempotent: The same call twice is once, or the server honours the key that is sent.
        key_argument: An argument that the server takes an idempotency key in. The model neither
            sees nor sets it.
        rate_per_second: Limit over all workers; 0 for none.
        fallback: When attempts are used up: `flag` tells the model, `stop` stops the run.
        result_bytes: UTF-8 bytes of a result that the model sees; the rest is an artifact.
        polling: Repeating the same call is its purpose.
        source: Whose words a result is: `ours` only where the server has none of strangers.
    """

    effect: Effect = Effect.IRREVERSIBLE
    agents: tuple[str, ...] | None = None
    timeout_s: float | None = Field(default=None, gt=0, le=3_600)
    attempts: int = Field(default=3, ge=1, le=20)
    idempotent: bool = False
    key_argument: str = ""
    rate_per_second: float = Field(default=0, ge=0)
    fallback: Literal["flag", "stop"] = FLAG
    result_bytes: int = Field(default=16_000, ge=200, le=1_000_000)
    polling: bool = False
    source: Literal["ours", "outside"] = "outside"

    @model_validator(mode="after")
    def _a_key_makes_it_safe(self) -> "DeclaredTool":
        if self.key_argument and not self.idempotent:
            raise ValueError("key_argument is set, so say idempotent = true as well")
        return self


class DeclaredServer(Strict):
    """One server: a program to start, or an address.

    Attributes:
        command: Program that speaks MCP on stdin and stdout. It is looked for beside Holdfast's
            own interpreter first, then in the PATH.
        args: Its arguments.
        cwd: Its working folder; the file's own folder by default.
        env: Its variables, each with the name of the worker's variable that holds the value.
        url: Address of a server that speaks streamable HTTP.
        headers: HTTP headers, each with the name of the variable that holds the value.
        agents: Who gets its tools.
        offer: Names of the tools that are offered; all that are pinned by default.
        connect_s: Seconds that a start and its handshake may take.
        timeout_s: Seconds one call may take, where the tool says nothing else.
        tools: What is said of single tools.
    """

    command: str = ""
    args: tuple[str, ...] = ()
    cwd: str = ""
    env: Names = Field(default_factory=dict)
    url: str = ""
    headers: Names = Field(default_factory=dict)
    agents: tuple[str, ...] = ()
    offer: tuple[str, ...] | None = None
    connect_s: float = Field(default=15, gt=0, le=300)
    timeout_s: float = Field(default=30, gt=0, le=3_600)
    tools: dict[str, DeclaredTool] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_way_in(self) -> "DeclaredServer":
        if bool(self.command) == bool(self.url):
            raise ValueError("expected either command (a program) or url (an address)")
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url {self.url!r}: expected http:// or https://")
        if "@" in self.url.partition("//")[2].partition("/")[0]:
            raise ValueError("url has a name or a password in it; send it as a header instead")
        if self.url and (self.args or self.env or self.cwd):
            raise ValueError("args, env and cwd belong to a command, not to a url")
        if kind := kind_of_secret("\n".join([self.url, self.command, *self.args])):
            raise ValueError(
                f"something of the form of a secret ({kind}) is in it; have a variable hold it, "
                "and name that in env or headers"
            )
        if self.command and self.headers:
            raise ValueError("headers belong to a url, not to a command")
        return self

    def tool(self, name: str) -> DeclaredTool:
        """Return what is said of a tool; nothing said means irreversible."""
        return self.tools.get(name) or DeclaredTool(effect=Effect.IRREVERSIBLE)

    def offers(self, name: str) -> bool:
        """Whether a tool is offered at all."""
        return self.offer is None or name in self.offer

    def agents_of(self, name: str) -> tuple[str, ...]:
        """Return who gets a tool."""
        own = self.tool(name).agents
        return self.agents if own is None else own


class Declared(Strict):
    """The whole file."""

    servers: dict[Annotated[str, Field(pattern=NAME)], DeclaredServer] = Field(
        default_factory=dict[str, DeclaredServer]
    )


def load(path: Path) -> Declared:
    """Read the file of servers.

    Raises:
        McpConfigError: It is not there, is no TOML, or says something that cannot be.
    """
    try:
        return Declared.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise McpConfigError(
            f"the file of MCP servers {str(path)!r} cannot be read: {error.strerror}; "
            "correct HOLDFAST_MCP or unset it"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise McpConfigError(f"{str(path)!r} is no TOML: {error}; correct it") from None
    except ValidationError as error:
        raise McpConfigError(f"{str(path)!r}: {_first(error)}; docs/interoperation.md") from None


def _first(error: ValidationError) -> str:
    """Return what is wrong first, with its place; never a value, which may be a secret."""
    found = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in found["loc"] if part != "[key]")
    return f"{where or 'file'}: {found['msg'].removeprefix('Value error, ')}"
