"""What a run's result tells the audit log: decisions, refusals, what was undone."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from commands.audited.entry import Entry, sha256
from commands.heard import Heard, senders
from domain.approval import Decision
from domain.rejections import Rejection
from domain.standing import KIND as STANDING
from domain.state import Effected

_OPERATORS = frozenset({"halt", "unhalt"})


def decisions(
    run_id: str, made: Sequence[Decision], said: Sequence[Heard], asked: Sequence[datetime]
) -> Iterator[Entry]:
    """Return each question and how it was decided, with the client that the server saw.

    Args:
        run_id: The run.
        made: Its decisions.
        said: What was sent to it.
        asked: When it began to wait for a person, in order.
    """
    for one, sender in zip(made, senders(made, said), strict=True):
        how = _how(one)
        about = {
            "approval_id": one.approval_id,
            "about": one.kind,
            "title": one.title,
            "tool": one.tool,
            "arguments_hash": one.arguments_hash,
        }
        if how in {"person", "silence"}:
            before = [at for at in asked if at <= one.at]
            if before:
                # What was asked before it was modified is not in the result.
                shown = about | ({"arguments_hash": None} if one.verdict == "modify" else {})
                yield Entry(before[-1], "question.asked", run_id, shown)
        yield Entry(
            one.at,
            "decision",
            run_id,
            {
                **about,
                "verdict": one.verdict,
                "how": how,
                "by": one.by,
                "identity": sender.identity if sender else None,
                "event": sender.event if sender else None,
                "reason": one.reason,
            },
        )


def _how(one: Decision) -> str:
    if one.verdict in _OPERATORS:
        return "operator"
    if one.verdict == "silence":
        return "silence"
    return "standing approval" if one.kind == STANDING else "person"


def refusals(run_id: str, result: dict[str, Any], turns: Sequence[datetime]) -> Iterator[Entry]:
    """Return what guards refused; `turns` says when each of the run's model calls was answered."""
    for raw in result.get("rejections") or ():
        try:
            refused = Rejection.model_validate(raw)
        except ValidationError:
            continue
        if not turns:
            continue
        at = turns[min(max(refused.turn, 1), len(turns)) - 1]
        what = refused.what.partition(" ")[0]
        yield Entry(
            at,
            "refusal",
            run_id,
            {
                "by": refused.by,
                "what": what,
                "what_sha256": sha256(refused.what),
                "reason": refused.reason,
                "turn": refused.turn,
            },
        )


def kept_effects(run_id: str, result: dict[str, Any], at: datetime) -> Iterator[Entry]:
    """Return the writes that a result names, of a run whose history is gone."""
    for raw in result.get("writes") or ():
        try:
            write = Effected.model_validate(raw)
        except ValidationError:
            continue
        yield Entry(
            at,
            "effect",
            run_id,
            {
                "tool": write.tool,
                "arguments_sha256": sha256(write.arguments),
                "idempotency_key": write.key,
                "outcome": "ok",
                "time_is": "the run's end: its history, which had the time, is gone",
            },
        )


def parsed(result: dict[str, Any]) -> list[Decision]:
    """Return the decisions of a result."""
    found: list[Decision] = []
    for raw in result.get("decisions") or ():
        try:
            found.append(Decision.model_validate(raw))
        except ValidationError:
            continue
    return found
