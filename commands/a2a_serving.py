"""`a2a`: the agents for other agents, in the foreground until it is asked to end."""

import asyncio
import os
from contextlib import closing
from typing import Annotated, Final

import typer

from activities.guarding.redacting import redactor
from agents.registry import agents
from commands import console, options
from commands.errors import Exit, Misuse
from commands.serve import Certificate, Connections, Host, PrivateKey, is_local, listen
from commands.session import session
from runtime import logs
from runtime.lent_tools import as_pinned
from runtime.search_attributes import ensure_search_attributes
from runtime.settings import Settings

_PORT: Final = 8090

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[AGENT]...", help="Only these; default: all.")
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")]
Url = Annotated[
    str,
    typer.Option("--url", help="How others reach it, for the cards; default: where it listens."),
]


async def a2a(
    names: Names = None,
    *,
    host: Host = "127.0.0.1",
    port: Port = _PORT,
    url: Url = "",
    certificate: Certificate = None,
    key: PrivateKey = None,
    connections: Connections = 500,
    json: options.Json = False,
) -> Exit:
    """Serve agents over A2A: a card and a task for each, behind the tokens of `tokens add`.

    Any number of copies serve side by side. What a run asks of a person cannot be answered here.
    """
    # The SDK takes a second to load, which no other command shall pay.
    from commands.a2a.app import build  # noqa: PLC0415
    from commands.http.serving import run_app  # noqa: PLC0415

    if (certificate is None) != (key is None):
        raise Misuse("--certificate and --key: TLS needs both")
    settings = Settings.load()
    known = as_pinned(settings, agents())
    specs = {name: known[name].spec() for name in _known(names or [])}
    tls = {"ssl_certfile": certificate, "ssl_keyfile": key} if certificate else {}
    async with session(settings) as opened:
        await ensure_search_attributes(opened.client)
        with closing(listen(host, port)) as listening:
            shown = f"[{host}]" if ":" in host else host
            own = f"{'https' if tls else 'http'}://{shown}:{listening.getsockname()[1]}"
            address = (url or own).rstrip("/")
            _announce(own, address, sorted(specs), host, tls=bool(tls), as_json=json)
            logs.configure(settings, redactor(settings.secrets()))
            stopping = asyncio.Event()
            app = build(opened, specs, address, stopping)
            await run_app(app, stopping, listening, tls, connections)
    return Exit.OK


def _known(names: list[str]) -> list[str]:
    unknown = sorted(set(names) - agents().keys())
    if unknown:
        raise Misuse(f"unknown agent {unknown[0]!r}; there are {', '.join(sorted(agents()))}")
    return names or sorted(agents())


def _announce(
    own: str, address: str, names: list[str], host: str, *, tls: bool, as_json: bool
) -> None:
    if as_json:
        console.emit({"address": own, "url": address, "pid": os.getpid(), "agents": names})
    else:
        here = " (this machine only; --host opens it to others)" if is_local(host) else ""
        console.out().print(f"serving {len(names)} agents over A2A at {own}{here}")
        console.out().print(f"their cards are listed at {address}/")
        console.note("make tokens with `python starter.py tokens add`; Ctrl-C ends the service")
    if not tls and not is_local(host):
        console.warn(
            f"{host} can be reached by others, and without TLS so can the tokens; put a reverse "
            "proxy with TLS before it (and --url), or give --certificate and --key"
        )
    for stream in (console.out(), console.err()):
        stream.file.flush()
