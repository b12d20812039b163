"""Judging a summary, and keeping the window that it stands for."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from opentelemetry import trace
from temporalio import activity

from domain.contract import canonical
from domain.folding import By, Folded, FoldRequest
from domain.manifest import Manifest
from domain.summary import Judged, Material, extracted, judge

MEDIA_TYPE = "application/json"


class Records(Protocol):
    """Where windows are kept as they were, shared by all workers."""

    async def put(self, content: bytes, media_type: str) -> str:
        """Keep `content` and return its id."""
        ...


class FoldingActivities:
    """What a fold needs of the world. Idempotent: a record is known by its content."""

    def __init__(
        self,
        records: Records,
        addresses: Callable[[str], bool],
        on_fold: Callable[[str, By], None] | None = None,
    ) -> None:
        """Keep windows in `records`.

        Args:
            records: The artifacts.
            addresses: Whether a text speaks to the model that reads it.
            on_fold: Told of each fold: the agent, and who wrote the summary.
        """
        self._records = records
        self._addresses = addresses
        self._on_fold = on_fold

    @activity.defn(name="window.fold")
    async def fold(self, request: FoldRequest) -> Folded:
        """Judge a summary; where it stands, or is the last try, keep what it replaces."""
        judged, manifest, by = await asyncio.to_thread(self._judged, request)
        _trace(request, judged, by)
        if judged.problems and not request.last:
            return Folded(problems=judged.problems)
        record = await self._records.put(
            canonical(request.past.model_dump(mode="json")), MEDIA_TYPE
        )
        if self._on_fold:
            self._on_fold(request.agent, by)
        return Folded(manifest=manifest, record=record, by=by)

    def _judged(self, request: FoldRequest) -> tuple[Judged, Manifest, By]:
        """Return the verdict, and the memory that is kept if there is no other try."""
        material = _material(request)
        judged = judge(request.said, material, self._addresses)
        if not judged.usable:
            return judged, extracted(material, self._addresses), "rules"
        by: By = "mended" if judged.problems else "model"
        return judged, judged.manifest.within(request.manifest_bytes), by


def _material(request: FoldRequest) -> Material:
    past = request.past
    numbers = range(past.start, past.cut)
    folded = {past.window.number(index): past.messages[index] for index in numbers}
    before = past.window.manifest or Manifest()
    return Material(request.goal, before, folded, request.manifest_bytes)


def _trace(request: FoldRequest, judged: Judged, by: By) -> None:
    """Say on the activity's span what the fold came to, without any text."""
    span = trace.get_current_span()
    if not span.is_recording():
        return
    span.set_attributes(
        {
            "holdfast.fold.messages": request.past.cut - request.past.start,
            "holdfast.fold.by": by,
            "holdfast.fold.problems": len(judged.problems),
            "holdfast.fold.manifest_bytes": judged.manifest.size,
        }
    )
