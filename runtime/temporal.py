"""The connection to Temporal: by the SDK's own configuration, else the embedded server."""

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

from temporalio.client import Client, Plugin
from temporalio.common import HeaderCodecBehavior
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import Runtime
from temporalio.service import GrpcCompression, RPCError

from runtime import devserver
from runtime.database import Database
from runtime.interpreter_exit import exit_cleanly
from runtime.secret_files import SecretFileError, secret
from runtime.settings import Settings
from runtime.storage import data_converter
from runtime.temporal_key import API_KEY

_CONNECT_TIMEOUT: Final = timedelta(seconds=10)
_OFF: Final = ("false", "0", "no", "off")
_LOOPBACK: Final = ("127.0.0.1:", "localhost:", "[::1]:")


class NoServer(ConnectionError):
    """No Temporal server can be reached; the message says what to run or correct."""


async def connect(
    settings: Settings,
    database: Database,
    *,
    runtime: Runtime | None = None,
    plugins: Sequence[Plugin] = (),
    identity: str | None = None,
) -> Client:
    """Connect as the environment or a profile says, else to the embedded server.

    `database` holds the payloads that are too large for a history. `identity` is what histories
    say of who sent a signal or started a run; default: the process's number and its host.

    Raises:
        NoServer: nothing is configured and nothing runs, or what is configured does not answer.
    """
    exit_cleanly()
    config = configured(settings)
    target = config.get("target_host", "")
    try:
        return await Client.connect(
            **config,
            data_converter=data_converter(database),
            runtime=runtime,
            plugins=plugins,
            identity=identity,
            connect_timeout=_CONNECT_TIMEOUT,
            # What the parts of a run hand each other beside their arguments is encrypted as well.
            header_codec_behavior=HeaderCodecBehavior.CODEC,
            # Compressing what never leaves the machine only costs CPU.
            grpc_compression=(
                GrpcCompression.NONE if target.startswith(_LOOPBACK) else GrpcCompression.GZIP
            ),
        )
    except (RuntimeError, ValueError, RPCError) as error:
        raise NoServer(
            f"no Temporal server answers at {target!r} ({_reason(error)}); start it, or correct "
            "TEMPORAL_ADDRESS or the profile, or unset both to use `python starter.py up`"
        ) from error


def namespace() -> str:
    """Return the namespace that the environment or a profile names."""
    with suppress(RuntimeError):
        return ClientConfig.load_client_connect_config().get("namespace", "default")
    return "default"


def configured(settings: Settings) -> ClientConnectConfig:
    """Return the connection's settings, always with a `target_host`.

    Raises:
        NoServer: a profile cannot be read, or nothing is configured and no server runs here.
    """
    try:
        config = ClientConfig.load_client_connect_config()
    except RuntimeError as error:
        # First line only: what follows quotes the file, which may hold a key.
        reason = str(error).splitlines()[0]
        raise NoServer(
            f"the Temporal profile cannot be used ({reason}); correct TEMPORAL_PROFILE or the "
            "file that TEMPORAL_CONFIG_FILE names"
        ) from error
    try:
        key = secret(API_KEY)
    except SecretFileError as error:
        raise NoServer(str(error)) from None
    if key and not config.get("api_key"):
        config["api_key"] = key
        # As the SDK has it: a key goes over TLS, unless that is switched off by name.
        config.setdefault("tls", os.environ.get("TEMPORAL_TLS", "").lower() not in _OFF)
    if "target_host" not in config:
        config["target_host"] = _embedded(settings)
    return config


def _embedded(settings: Settings) -> str:
    server = devserver.find(settings)
    if server is None:
        raise NoServer(
            "no Temporal server is configured and none runs here; run `python starter.py up`, "
            "or set TEMPORAL_ADDRESS"
        )
    return server.address


def _reason(error: BaseException) -> str:
    """Return the cause without the transport's nesting."""
    message = str(error)
    for known, plain in (
        ("Connection refused", "connection refused"),
        ("dns error", "unknown host"),
        ("deadline", "no answer in time"),
        ("timed out", "no answer in time"),
        ("PermissionDenied", "it refuses the key: see TEMPORAL_API_KEY"),
    ):
        if known in message:
            return plain
    return message.splitlines()[0][:200]
