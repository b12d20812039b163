"""From a vendor's failure to what it means for a run: the machinery; each vendor has its table."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

import httpx2

from activities.providers.base import ProviderError
from activities.providers.transport import ReplyTooLargeError
from activities.retry_after import retry_after

_MAX_REASON = 400
_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)
# Providers echo the key that they refuse, whole or with its middle starred out.
_KEY_LIKE = re.compile(
    r"\b(?:sk|rk|pk)-[\w*.-]{6,}|\bBearer\s+\S+|(?<=key=)[\w*.-]{6,}", re.IGNORECASE
)


class Posture(NamedTuple):
    """What a failure means.

    Attributes:
        retryable: Another attempt may succeed; otherwise the run stops.
        billed: The provider may have charged for the attempt.
        reason: What went wrong.
        advice: What a person can do, where only a person can.
    """

    retryable: bool
    billed: bool
    reason: str
    advice: str = ""


Table = Mapping[int | str, Posture]


def table(key: str, address: str, own: Table) -> Table:
    """Return a vendor's table: what statuses mean everywhere, and its own rows over that.

    Args:
        key: The environment variable with the vendor's key.
        address: The one with its address.
        own: By status, by the vendor's code, or by what broke (see `broken`).
    """
    refused = "the request was refused"
    return {
        400: Posture(False, False, refused, "mend the agent's spec or its route"),
        401: Posture(False, False, "the key was refused", f"set a valid {key}"),
        403: Posture(
            False, False, "the key may not use this model", "grant it, or change the route"
        ),
        404: Posture(
            False, False, "no such model or address", f"correct the agent's route or {address}"
        ),
        # It gave up waiting for us or for itself; the second may have been billed.
        408: Posture(True, True, "the provider timed out"),
        409: Posture(True, False, "the provider was busy with a conflicting request"),
        413: Posture(False, False, "the request is too large", "shorten the agent's tool results"),
        422: Posture(False, False, refused, "mend the agent's spec or its route"),
        429: Posture(True, False, "rate limited"),
        500: Posture(True, False, "the provider failed"),
        "timeout": Posture(True, True, "no answer in time"),
        "unreachable": Posture(True, False, "cannot be reached"),
        "interrupted": Posture(True, True, "the connection broke before the reply was whole"),
        "malformed": Posture(True, True, "the reply is not what the protocol says"),
        "oversized": Posture(True, True, "the reply is too large"),
        **own,
    }


@dataclass(frozen=True)
class Account:
    """Whose failures they are: the vendor, its table, and the key that no reason may show."""

    vendor: str
    table: Table
    key: str

    def refused(
        self, status: int, codes: Iterable[str | None], said: str, headers: Mapping[str, str]
    ) -> ProviderError:
        """Return the error for an answer with a status that is no success."""
        how = posture(self.table, status, codes)
        return failure(self.vendor, how, said, status=status, secrets=[self.key], headers=headers)

    def broke(self, error: BaseException) -> ProviderError:
        """Return the error for a request that brought no answer."""
        return failure(self.vendor, self.table[broken(error)], "", secrets=[self.key])

    def malformed(self, said: str) -> NoReturn:
        """Raise the error for an answer that is not what the protocol says.

        Raises:
            ProviderError: Always.
        """
        raise failure(self.vendor, self.table["malformed"], said, secrets=[self.key]) from None


def posture(table: Table, status: int, codes: Iterable[str | None] = ()) -> Posture:
    """Look a failure up: by the vendor's codes, its status, then its kind of status."""
    for key in (*codes, status, status // 100 * 100):
        if key is not None and key in table:
            return table[key]
    return Posture(False, False, "an unexpected status", "see the provider's status page")


def failure(
    vendor: str,
    how: Posture,
    said: str,
    *,
    status: int | None = None,
    secrets: Iterable[str] = (),
    headers: Mapping[str, str] | None = None,
) -> ProviderError:
    """Return the error for `how`, in one line and without secrets."""
    code = f" ({status})" if status else ""
    text = f"{vendor}{code}: {how.reason}"
    if said := one_line(redacted(said, secrets)):
        text += f": {said}"
    if how.advice:
        text += f"; {how.advice}"
    wait = retry_after(headers or {}) if how.retryable else None
    return ProviderError(
        text, retryable=how.retryable, billed=how.billed, retry_after=wait, status=status
    )


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return `text` without the keys that are known, and without what looks like one."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[key]")
    return _KEY_LIKE.sub("[key]", text)


def one_line(text: str) -> str:
    """Return `text` on one line and cut to a length that a person reads."""
    line = " ".join(text.split())
    return line if len(line) <= _MAX_REASON else line[:_MAX_REASON] + "..."


def broken(error: BaseException) -> str:
    """Return which of a table's connection rows an SDK's error without a status belongs to.

    Whether the provider may have billed hangs on how far the request got: what never reached it
    is free. Both SDKs keep the HTTP library's error as the cause.
    """
    cause = error.__cause__
    if isinstance(cause, ReplyTooLargeError):
        return "oversized"
    if isinstance(cause, _NEVER_SENT):
        return "unreachable"
    if isinstance(cause, httpx2.TimeoutException):
        return "timeout"
    return "interrupted" if isinstance(cause, httpx2.HTTPError) else "malformed"
