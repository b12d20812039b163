"""What goes wrong on the command line: one line that says what to do, and an exit code."""

import re
from enum import IntEnum

from pydantic import ValidationError
from temporalio.client import (
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError, FailureError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from agents.interop.declared import McpConfigError
from agents.prompts import LockError
from agents.registry import RegistryError
from runtime.artifacts import ArtifactNotFound
from runtime.breakers import BreakerNotFound
from runtime.database import DatabaseError
from runtime.dead_letters import DeadLetterNotFound
from runtime.deployments import DeploymentNotFound
from runtime.devserver import ServerFailed
from runtime.encryption import CannotDecrypt
from runtime.encryption_keys import KeyFileError
from runtime.halts import HaltNotFound
from runtime.memory import MemoryNotFound
from runtime.reviews import ReviewNotFound
from runtime.search_attributes import SearchAttributesMissing
from runtime.server_binary import BinaryMissing
from runtime.settings import SettingsError
from runtime.signing import KeyUnusable
from runtime.standing import StandingNotFound
from runtime.temporal import NoServer
from runtime.tokens import TokenNotFound


class Exit(IntEnum):
    """What a caller can tell from the exit code."""

    OK = 0
    FAILED = 1
    MISUSE = 2
    WAITS = 3


class CommandError(Exception):
    """The command failed; the message is the one line that a person reads."""

    exit = Exit.FAILED


class Misuse(CommandError):
    """The command was given something that it cannot use; nothing was started or changed."""

    exit = Exit.MISUSE


# Their messages already name the value, what was expected and what to do.
_COUNTS = re.compile(r"\d+ validation errors? for ")
_FURTHER = "For further information visit "
_SPEAKING = (
    McpConfigError,
    NoServer,
    DatabaseError,
    CannotDecrypt,
    KeyFileError,
    BinaryMissing,
    ServerFailed,
    SearchAttributesMissing,
    DeadLetterNotFound,
    DeploymentNotFound,
    ArtifactNotFound,
    BreakerNotFound,
    HaltNotFound,
    LockError,
    MemoryNotFound,
    RegistryError,
    ReviewNotFound,
    StandingNotFound,
    TokenNotFound,
)

_RPC: dict[RPCStatusCode, str] = {
    RPCStatusCode.UNAVAILABLE: "the Temporal server went away; start it with "
    "`python starter.py up`, or look with `python starter.py doctor`",
    RPCStatusCode.DEADLINE_EXCEEDED: "no answer in time; a worker may be missing: "
    "look with `python starter.py doctor`",
    RPCStatusCode.PERMISSION_DENIED: "the Temporal server refused: no permission; correct "
    "TEMPORAL_API_KEY or the profile",
    RPCStatusCode.UNAUTHENTICATED: "the Temporal server refused the key; correct "
    "TEMPORAL_API_KEY or the profile",
}


def explain(error: BaseException) -> tuple[str, Exit] | None:
    """Return the line and the exit code for `error`, or None for one that is a bug."""
    if isinstance(error, CommandError):
        return str(error), error.exit
    if isinstance(error, SettingsError | KeyUnusable):
        return str(error), Exit.MISUSE
    if isinstance(error, _SPEAKING):
        return str(error), Exit.FAILED
    if isinstance(error, ValidationError):
        return invalid(error), Exit.MISUSE
    return _explain_temporal(error) or _explain_system(error)


def invalid(error: ValidationError) -> str:
    """Return the first thing that is wrong with a value, in one line without the value."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"])) or error.title
    return f"{where}: {first['msg']}"


def root(error: BaseException) -> str:
    """Return the innermost message of a failure: the one that says what happened."""
    cause: BaseException = error
    while True:
        inner = getattr(cause, "cause", None)
        if not isinstance(inner, BaseException):
            break
        cause = inner
    text = one_line(cause.message if isinstance(cause, FailureError) else str(cause))
    kind = cause.type if isinstance(cause, ApplicationError) else type(cause).__name__
    # One word says nothing without its kind: `KeyError: 'total'`.
    return text if " " in text else f"{kind}: {text}"


def one_line(text: str) -> str:
    """Return the first line that says something.

    Pydantic's first line only counts its complaints, so there the lines are joined.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and _COUNTS.match(lines[0]):
        lines = [" ".join(line for line in lines if not line.startswith(_FURTHER))]
    return lines[0] if lines else ""


def _explain_temporal(error: BaseException) -> tuple[str, Exit] | None:
    if isinstance(error, WorkflowUpdateRPCTimeoutOrCancelledError):
        return _RPC[RPCStatusCode.DEADLINE_EXCEEDED], Exit.FAILED
    if isinstance(error, WorkflowFailureError | WorkflowUpdateFailedError):
        return root(error), Exit.FAILED
    if isinstance(error, WorkflowQueryFailedError):
        return one_line(str(error)), Exit.FAILED
    if isinstance(error, WorkflowAlreadyStartedError):
        return (
            (
                f"run {error.workflow_id!r} is under way; watch it with "
                f"`python starter.py watch {error.workflow_id}`, cancel it, or give another --id"
            ),
            Exit.FAILED,
        )
    if isinstance(error, RPCError):
        known = _RPC.get(error.status)
        reason = one_line(error.message)
        return known or f"the Temporal server refused: {reason}", Exit.FAILED
    return None


def _explain_system(error: BaseException) -> tuple[str, Exit] | None:
    if isinstance(error, OSError):
        where = f"{error.filename!r}: " if error.filename else ""
        return f"{where}{error.strerror or error}", Exit.FAILED
    return None
