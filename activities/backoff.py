"""How long an attempt is put off: exponentially, and by chance.

Temporal's retry policy has no chance in it, so runs that failed together would come back
together. An activity may name its own delay, and these are what it names.
"""

from datetime import timedelta
from random import uniform
from typing import Final

_MOST_ADDED_S: Final = 5.0


def backoff(attempt: int, first_s: float, factor: float, most_s: float) -> timedelta:
    """Return the delay after `attempt`, from 1: half of it is sure, the rest is by chance."""
    longest = min(most_s, first_s * factor ** min(attempt - 1, 20))
    return timedelta(seconds=longest * uniform(0.5, 1))  # noqa: S311 - not a secret


def at_least(asked: timedelta) -> timedelta:
    """Return a delay that the other side asked for, and up to a tenth more by chance."""
    more = min(asked.total_seconds() / 10, _MOST_ADDED_S)
    return asked + timedelta(seconds=uniform(0, more))  # noqa: S311 - not a secret
