"""`serve`: the HTTP service, in the foreground until it is asked to end."""

import os
import socket
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final

import typer

from activities.guarding.redacting import redactor
from commands import console, options
from commands.errors import CommandError, Exit, Misuse
from commands.session import session
from runtime import logs
from runtime.search_attributes import ensure_search_attributes
from runtime.settings import Settings
from runtime.temporal_key import renewing

_BACKLOG: Final = 512
_WEBHOOKS: Final = "webhooks.toml"

Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")]
Webhooks = Annotated[
    Path | None,
    typer.Option("--webhooks", metavar="FILE", help=f"TOML; default: {_WEBHOOKS} of the home."),
]
Certificate = Annotated[
    Path | None, typer.Option("--certificate", metavar="FILE", help="PEM, for TLS.")
]
PrivateKey = Annotated[Path | None, typer.Option("--key", metavar="FILE", help="PEM, for TLS.")]
Connections = Annotated[
    int, typer.Option("--connections", min=1, help="At once; more are told 503.")
]
Document = Annotated[
    bool, typer.Option("--openapi", help="Print the OpenAPI document and end.", metavar="")
]


async def serve(
    *,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    webhooks: Webhooks = None,
    certificate: Certificate = None,
    key: PrivateKey = None,
    connections: Connections = 500,
    openapi: Document = False,
    json: options.Json = False,
) -> Exit:
    """Serve programs over HTTP: start runs, see them, answer what they ask.

    Any number of copies serve side by side. Who may come in: `tokens add`.
    """
    # Here and not above: it takes half a second that every other command would wait.
    from commands.http import hooks  # noqa: PLC0415
    from commands.http.app import build  # noqa: PLC0415
    from commands.http.document import written  # noqa: PLC0415
    from commands.http.service import Service  # noqa: PLC0415
    from commands.http.serving import run  # noqa: PLC0415

    if openapi:
        typer.echo(written(build()), nl=False)
        return Exit.OK
    if (certificate is None) != (key is None):
        raise Misuse("--certificate and --key: TLS needs both")
    settings = Settings.load()
    file = webhooks or settings.home / _WEBHOOKS
    known = hooks.load(file) if webhooks or file.exists() else {}
    tls = {"ssl_certfile": certificate, "ssl_keyfile": key} if certificate else {}
    async with session(settings) as opened, renewing(opened.client):
        await ensure_search_attributes(opened.client)
        with closing(listen(host, port)) as listening:

            def ready() -> None:
                _announce(host, listening, sorted(known), tls=bool(tls), as_json=json)
                logs.configure(settings, redactor(settings.secrets()))

            service = Service(opened, known, four_eyes=settings.four_eyes)
            await run(service, listening, tls, connections, ready)
    return Exit.OK


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        CommandError: The address cannot be had.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise CommandError(
            f"cannot listen on {host}:{port} ({error.strerror or error}); give another --port or "
            "--host"
        ) from None
    made.setblocking(False)
    return made


def _announce(
    host: str, listening: socket.socket, webhooks: list[str], *, tls: bool, as_json: bool
) -> None:
    port = int(listening.getsockname()[1])
    shown = f"[{host}]" if ":" in host else host
    address = f"{'https' if tls else 'http'}://{shown}:{port}"
    if not tls and not is_local(host):
        console.warn(
            f"{host} can be reached by others, and without TLS so can the tokens; put a reverse "
            "proxy with TLS before it, or give --certificate and --key"
        )
    if as_json:
        console.emit({"address": address, "pid": os.getpid(), "webhooks": webhooks})
    else:
        here = " (this machine only; --host opens it to others)" if is_local(host) else ""
        console.out().print(f"serving at {address}{here}")
        console.out().print(f"its OpenAPI document: {address}/openapi.json")
        if webhooks:
            console.note(f"webhooks: {', '.join(webhooks)}")
        console.note("make tokens with `python starter.py tokens add`; Ctrl-C ends the service")
    for stream in (console.out(), console.err()):
        stream.file.flush()


def is_local(host: str) -> bool:
    """Whether only this machine reaches what listens on `host`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
