"""Waiting out a halt: the run stands still, says why, and goes on by itself when it is lifted.

A halt holds an attempt back before anything is sent, so the call is simply made again: nothing is
used up, bought twice or done twice. `starter.py unhalt` tells the runs that wait. One that was not
told looks by itself, at growing intervals.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
    is_cancelled_exception,
)

from workflows import policies
from workflows.desk import Desk, Way
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.approval import MAX_REASON, Decision
    from domain.halts import HALTED, Concerned, Halt, Lifted, Standing, lifts, told
    from domain.refused import Refused
    from domain.run import Stop

HALTED_TOO_LONG = "HaltedTooLong"
_WAYS: tuple[Way, ...] = ("retry", "abort")
# While a run undoes what it did it has been ended already.
UNDOING: tuple[Way, ...] = ("retry",)


async def held_up(
    work: Work, step: str, error: ActivityError, heard: int, ways: tuple[Way, ...] = _WAYS
) -> bool:
    """Wait until the halts are lifted that held an attempt back; then it is to be made again.

    Args:
        work: Whose attempt it was.
        step: What was attempted: the activity's name.
        error: How the attempt ended.
        heard: `desk.held.words` from before the attempt.
        ways: What a person may say meanwhile.

    Returns:
        False at once where it was no halt that the attempt failed of.

    Raises:
        AbortedError: A person ends the run.
        ApplicationError: The halt stood for a year.
    """
    halts = _halts(error)
    if not halts:
        return False
    held = work.desk.held
    _note(work.desk, halts)
    if held.waits:
        # Another part of the run waits for the same; it is asked about and told once.
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: not held.waits, timeout=policies.HALTED_TIMEOUT, timeout_summary="halted"
            )
        return True
    held.waits = True
    try:
        await _stand_still(work, step, halts, heard, ways)
    finally:
        held.waits = False
    return True


def held_back(error: ActivityError) -> bool:
    """Whether an attempt was not made because of a halt, nor one before it that had an effect."""
    cause = error.cause
    if not isinstance(cause, ApplicationError) or cause.type != HALTED:
        return False
    return not Refused.model_validate(cause.details[0]).sent


def hear(desk: Desk, word: Any) -> None:
    """Take the word that halts were lifted. Sent by hand it does no harm: the run looks again."""
    try:
        lifted = Lifted.model_validate(word)
    except ValidationError:
        lifted = Lifted()
    _note_lifted(desk, lifted.ids, lifted.by, lifted.reason[:MAX_REASON])
    desk.held.words += 1


def _halts(error: ActivityError) -> tuple[Halt, ...]:
    cause = error.cause
    if not isinstance(cause, ApplicationError) or cause.type != HALTED:
        return ()
    return Standing.model_validate(cause.details[1]).halts


# --- standing still


async def _stand_still(
    work: Work, step: str, halts: tuple[Halt, ...], heard: int, ways: tuple[Way, ...]
) -> None:
    desk, held = work.desk, work.desk.held
    # A question that is open stays open, and what it is about may go on before it is answered.
    while held.words == heard and desk.attention.locked():
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: held.words != heard or not desk.attention.locked(),
                timeout=policies.HALTED_TIMEOUT,
                timeout_summary="halted behind a question",
            )
    if held.words == heard:
        stop = _stop(step, halts)
        await desk.stand(stop, ways, lambda: _until_lifted(work, stop, heard))


async def _until_lifted(work: Work, stop: Stop, heard: int) -> Way:
    """Wait for the word; look from time to time whether it was lost."""
    desk, pause = work.desk, policies.HALTED_FIRST_LOOK
    while workflow.now() - stop.at < policies.HALTED_TIMEOUT:
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: desk.held.words != heard or desk.way is not None,
                timeout=pause,
                timeout_summary="halted; then it looks again",
            )
            return desk.way or "retry"
        standing = await _look(work)
        if standing is not None:
            gone = desk.held.told.keys() - {halt.id for halt in standing}
            _note_lifted(desk, sorted(gone), "", "found lifted")
            if not standing:
                return "retry"
            desk.explain(_stop(stop.step, standing).model_copy(update={"at": stop.at}))
        pause = min(pause * 2, policies.HALTED_LOOK_EVERY)
    raise ApplicationError(stop.reason, type=HALTED_TOO_LONG, non_retryable=True)


async def _look(work: Work) -> tuple[Halt, ...] | None:
    """Return the halts that hold the run now; None where that cannot be found out."""
    asked = Concerned(
        run_id=workflow.info().workflow_id, agent=work.spec.name, tenant=work.request.tenant
    )
    try:
        standing = await workflow.execute_local_activity(
            "halts.standing", asked, result_type=Standing, **policies.RECORD
        )
    except FailureError as error:
        if is_cancelled_exception(error):
            raise
        return None
    return standing.halts


def _stop(step: str, halts: tuple[Halt, ...]) -> Stop:
    hint = f"it goes on by itself once that is lifted: {lifts(halts)}; abort ends it"
    return Stop(step=step, reason=told(halts), hint=hint, at=workflow.now(), halted=True)


# --- what stays of it


def _note(desk: Desk, halts: Iterable[Halt]) -> None:
    """Keep who halted the run, when and why, with its decisions."""
    counter = workflow.metric_meter().create_counter("holdfast_halted", "runs that a halt held up")
    for halt in halts:
        if halt.id in desk.held.told:
            continue
        desk.held.told[halt.id] = halt
        counter.add(1, {"scope": halt.scope})
        workflow.logger.warning("held up: %s", halt.told)
        desk.decisions.append(
            Decision(
                approval_id=halt.id,
                kind="halt",
                verdict="halt",
                title=halt.target,
                reason=halt.reason,
                by=halt.by,
                at=halt.at,
            )
        )


def _note_lifted(desk: Desk, ids: Iterable[str], by: str, reason: str) -> None:
    for each in ids:
        halt = desk.held.told.pop(each, None)
        if halt is None:
            continue
        desk.decisions.append(
            Decision(
                approval_id=each,
                kind="halt",
                verdict="unhalt",
                title=halt.target,
                reason=reason,
                by=by,
                at=workflow.now(),
            )
        )
