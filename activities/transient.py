"""Whether a tool's error is of the moment, and for how long its service asked to be left alone."""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast

from activities.retry_after import retry_after
from agents.toolkit import ToolUnavailableError


def transient(error: BaseException) -> bool:
    """Whether trying again may help: timeouts, connections, 408, 429 and 5xx."""
    if isinstance(error, TimeoutError | ConnectionError):
        return True
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None) or getattr(error, "status_code", None)
    if isinstance(status, int):
        return (
            status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
            or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        )
    # By name: an HTTP client or a database driver is the tool's choice, not ours to import.
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"TransportError", "OperationalError", "InterfaceError"})


def asked_to_wait(error: BaseException) -> timedelta | None:
    """Return what the tool, or the `Retry-After` of the answer that it met, asks for."""
    if isinstance(error, ToolUnavailableError):
        return error.retry_after
    headers: Any = getattr(getattr(error, "response", None), "headers", None)
    if not isinstance(headers, Mapping):
        return None
    given = cast("Mapping[Any, Any]", headers)
    return retry_after({str(name).lower(): str(value) for name, value in given.items()})
