"""`codec`: what decrypts for the Temporal UI, in the foreground until it is asked to end."""

import asyncio
import os
import re
from contextlib import closing
from typing import Annotated, Final

import typer

from activities.guarding.redacting import redactor
from commands import console, options
from commands.errors import Exit, Misuse
from commands.serve import Certificate, Connections, Host, PrivateKey, is_local, listen
from runtime import devserver, logs
from runtime.database import opened
from runtime.settings import Settings
from runtime.temporal import namespace

_PORT: Final = 8234
_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")

Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")]
Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--origin",
        metavar="URL",
        help="Of a Temporal UI, repeatable; default: the embedded server's.",
    ),
]
Tenants = Annotated[
    list[str] | None,
    typer.Option(
        "--tenant",
        metavar="NAME",
        help="Whose tokens may read, repeatable; operators of the fleet always may. "
        "Default: default.",
    ),
]
Url = Annotated[
    str, typer.Option("--url", help="How browsers reach it; default: where it listens.")
]


async def codec(
    *,
    host: Host = "127.0.0.1",
    port: Port = _PORT,
    origin: Origins = None,
    tenant: Tenants = None,
    url: Url = "",
    certificate: Certificate = None,
    key: PrivateKey = None,
    connections: Connections = 100,
    json: options.Json = False,
) -> Exit:
    """Decrypt for the Temporal UI and command line, for those with a token of `tokens add`.

    It has the keys and needs no Temporal server. Any number of copies serve side by side.
    """
    # Here and not above: no other command shall wait for it.
    from commands.codec.app import Terms, build  # noqa: PLC0415
    from commands.http.serving import run_app  # noqa: PLC0415

    if (certificate is None) != (key is None):
        raise Misuse("--certificate and --key: TLS needs both")
    settings = Settings.load()
    if settings.encryption_keys is None:
        raise Misuse("HOLDFAST_ENCRYPTION_KEYS is not set: nothing is encrypted, nothing to decode")
    tls = {"ssl_certfile": certificate, "ssl_keyfile": key} if certificate else {}
    async with opened(settings) as database:
        with closing(listen(host, port)) as listening:
            shown = f"[{host}]" if ":" in host else host
            own = f"{'https' if tls else 'http'}://{shown}:{listening.getsockname()[1]}"
            terms = Terms(
                origins=_origins(settings, origin),
                namespace=namespace(),
                tenants=tuple(tenant or ["default"]),
                address=(url or own).rstrip("/"),
            )
            _announce(own, terms.address, terms.origins, host, tls=bool(tls), as_json=json)
            logs.configure(settings, redactor(settings.secrets()))
            app = build(database, terms)
            await run_app(app, asyncio.Event(), listening, tls, connections)
    return Exit.OK


def _origins(settings: Settings, given: list[str] | None) -> tuple[str, ...]:
    """Return whose pages may ask: scheme, host and port each."""
    for each in given or []:
        if not _ORIGIN.fullmatch(each):
            raise Misuse(f"--origin {each[:100]!r}: expected scheme, host and port of the UI alone")
    if given:
        return tuple(given)
    server = devserver.find(settings)
    usual = server.ui if server else f"http://127.0.0.1:{settings.ui_port}"
    return (usual.rstrip("/"), usual.rstrip("/").replace("//127.0.0.1:", "//localhost:"))


def _announce(
    own: str, address: str, origins: tuple[str, ...], host: str, *, tls: bool, as_json: bool
) -> None:
    if as_json:
        told = {"address": own, "url": address, "pid": os.getpid(), "origins": list(origins)}
        console.emit(told)
    else:
        here = " (this machine only; --host opens it to others)" if is_local(host) else ""
        console.out().print(f"decoding at {own}{here}")
        console.out().print(f"for the Temporal UI at {', '.join(origins)}")
        console.note(f"give a token to your browser at {address}/ ; Ctrl-C ends the service")
    if not tls and not is_local(host):
        console.warn(
            f"{host} can be reached by others, and without TLS so can the tokens and what is "
            "decrypted; put a reverse proxy with TLS before it (and --url), or give --certificate "
            "and --key"
        )
    for stream in (console.out(), console.err()):
        stream.file.flush()
