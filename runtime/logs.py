"""Logs: one JSON object a line on stderr, with the run they belong to.

Prompts stay out, and so do personal data and secrets, wherever in a line they stand.
"""

import logging
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, cast

import structlog
from pydantic import ValidationError
from structlog.typing import EventDict, Processor
from temporalio import activity, workflow

from runtime.settings import Settings

# What a conversation is made of; anything under these names stays out of the logs.
_CONVERSATION: Final = frozenset(
    {"prompt", "prompts", "message", "messages", "text", "arguments", "body", "task", "result"}
)
# Nobody has to look at the value to know what it is.
_SECRET_NAMES: Final = frozenset(
    {"password", "secret", "authorization", "api_key", "apikey", "cookie", "credentials"}
)
_LONGEST: Final = 300
_MOST_TEXT: Final = 8_000  # characters of one value: what a line costs must have an end
_MOST_VALUES: Final = 500  # values within others, in one line
_LEFT_OUT: Final = "(more was left out)"
_LEAST_DIGITS: Final = 10**11  # a smaller number is no card's, account's or telephone's
_FRAMES: Final = 5


def configure(settings: Settings, redact: Callable[[str], str]) -> None:
    """Send everything that is logged in this process to stderr as JSON lines.

    Args:
        settings: Their secrets are taken out too, whatever their form.
        redact: Returns a text without personal data and secrets; it may be asked at every line.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _describe_error,
        *([] if settings.log_prompts else [_leave_out_conversation]),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_name_the_run, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _Render(settings.secrets(), redact),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    # Every request to a model is a line of httpx's, every start one of alembic's.
    for chatty in ("httpx", "httpx2", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # A run that is let go in mid-span cannot end it in order; that is no error of anyone's.
    for harmless in ("opentelemetry.context", "opentelemetry.sdk._shared_internal"):
        logging.getLogger(harmless).setLevel(logging.CRITICAL)
    # The run is in fields of its own.
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False


class _Render:
    """Writes the line, without secrets and personal data wherever in it they are."""

    def __init__(self, secrets: Sequence[str], redact: Callable[[str], str]) -> None:
        self._json = structlog.processors.JSONRenderer(sort_keys=False, default=self._unknown)
        self._secrets = secrets
        self._redact = redact

    def __call__(self, logger: Any, name: str, event: EventDict) -> str:
        return str(self._json(logger, name, _Cleared(self._text).line(event)))

    def _text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        if len(text) > _MOST_TEXT:
            text = f"{text[:_MOST_TEXT]}… ({len(text) - _MOST_TEXT:,} characters cut)"
        return self._redact(text)

    def _unknown(self, value: object) -> str:
        return self._text(repr(value))


class _Cleared:
    """Clears one line's values; of those within others only so many are shown."""

    def __init__(self, clear: Callable[[str], str]) -> None:
        self._clear = clear
        self._left = _MOST_VALUES

    def line(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the line's fields without what nobody shall read."""
        return {self._clear(name): self._field(name, each) for name, each in event.items()}

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._clear(value)
        if isinstance(value, int) and abs(value) >= _LEAST_DIGITS:
            text = self._clear(str(value))
            return value if text == str(value) else text
        if isinstance(value, Mapping):
            return self._fields(cast("Mapping[Any, Any]", value))
        if isinstance(value, list | tuple | set | frozenset):
            return self._values(cast("Sequence[Any]", value))
        return value

    def _fields(self, fields: Mapping[Any, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, each in fields.items():
            if self._has_enough():
                return found | {"…": _LEFT_OUT}
            found[self._clear(str(name))] = self._field(name, each)
        return found

    def _values(self, values: Sequence[Any]) -> list[Any]:
        found: list[Any] = []
        for each in values:
            if self._has_enough():
                return [*found, _LEFT_OUT]
            found.append(self._value(each))
        return found

    def _field(self, name: object, value: Any) -> Any:
        return "***" if str(name).lower() in _SECRET_NAMES else self._value(value)

    def _has_enough(self) -> bool:
        self._left -= 1
        return self._left < 0


def _name_the_run(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Take the run out of what the SDK attaches to its own records."""
    record = event.get("_record")
    at: Any = getattr(record, "temporal_workflow", None)
    at = at or getattr(record, "temporal_activity", None) or {}
    if "workflow_id" in at:
        event.setdefault("run", at["workflow_id"])
    return event


def _describe_error(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Replace a traceback by the error's type, first line and innermost places.

    A full traceback is many lines, and its values can be the conversation.
    """
    error = _error_of(event.pop("exc_info", None))
    if error is None and isinstance(record := event.get("_record"), logging.LogRecord):
        error = _error_of(record.exc_info)
    if error is not None:
        event["error"] = f"{type(error).__name__}: {_first_line(error)}"
        event["error_at"] = _places(error)
    return event


def _error_of(exc_info: Any) -> BaseException | None:
    """Return the exception of any form of `exc_info`."""
    if exc_info is True:
        exc_info = sys.exc_info()
    error: Any = exc_info
    with suppress(TypeError, IndexError):
        error = exc_info[1]
    return error if isinstance(error, BaseException) else None


def _first_line(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        # Its text quotes the input.
        fields = [".".join(str(part) for part in each["loc"]) for each in error.errors()]
        return f"{error.title}: {', '.join(fields)}"
    return (str(error).splitlines() or [""])[0][:_LONGEST]


def _places(error: BaseException) -> Sequence[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _leave_out_conversation(_logger: Any, _name: str, event: EventDict) -> EventDict:
    for name in _CONVERSATION & event.keys():
        event[name] = "(left out; HOLDFAST_LOG_PROMPTS=true shows it)"
    return event
