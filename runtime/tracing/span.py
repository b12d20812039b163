"""A span as it is told: OpenTelemetry's, before anything of OpenTelemetry's is imported."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Value = str | bool | int | float | tuple[str, ...]
Attributes = Mapping[str, Value]


def _nothing() -> dict[str, Value]:
    return {}


@dataclass(frozen=True)
class Happened:
    """Something that happened within a span, at `at` nanoseconds since 1970."""

    name: str
    at: int
    attributes: Attributes = field(default_factory=_nothing)


@dataclass(frozen=True)
class Link:
    """A span of another trace that this one comes from, and how."""

    trace: int
    span: int
    why: str


@dataclass(frozen=True)
class Told:
    """One span, whole: nothing is told before it has ended.

    Attributes:
        parent: Id of the span above; 0: none.
        start: Nanoseconds since 1970.
        end: The same; not before `start`.
        by_event: Number of the event in the execution's history that ended it.
        error: Why its status is an error; None: it is none.
        client: It waits for a system that is not ours.
    """

    name: str
    trace: int
    id: int
    parent: int
    start: int
    end: int
    by_event: int
    attributes: Attributes
    happened: tuple[Happened, ...] = ()
    links: tuple[Link, ...] = ()
    error: str | None = None
    client: bool = False
