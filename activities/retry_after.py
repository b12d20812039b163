"""How long an HTTP service asks to be left alone: what its answer's headers say."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER = timedelta(minutes=5)


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Return how long the provider asks to wait, between nothing and `MAX_RETRY_AFTER`."""
    wait = _milliseconds(headers.get("retry-after-ms", "")) or _wait(headers.get("retry-after", ""))
    return None if wait is None else min(max(wait, timedelta()), MAX_RETRY_AFTER)


def _milliseconds(text: str) -> timedelta | None:
    return _seconds(text, 1000)


def _wait(text: str) -> timedelta | None:
    if (wait := _seconds(text)) is not None:
        return wait
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)


def _seconds(text: str, unit: float = 1) -> timedelta | None:
    try:
        # "nan" and "inf" are floats too, and neither is a time.
        return timedelta(seconds=min(float(text) / unit, MAX_RETRY_AFTER.total_seconds()))
    except (ValueError, OverflowError):
        return None
