"""Steps that several of the workflows' parts take: surely, together, to their end."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

from workflows.desk import Desk

with workflow.unsafe.imports_passed_through():
    from domain.run import Stop

_Out = TypeVar("_Out")


async def sure(desk: Desk, step: str, execute: Callable[[], Awaitable[_Out]]) -> _Out:
    """Run an activity until it is done: when its attempts are used up, a person is asked.

    Raises:
        AbortedError: They end the run.
    """
    while True:
        try:
            return await execute()
        except FailureError as error:  # a local activity's own, an ActivityError about another's
            if is_cancelled_exception(error):
                raise
            hint = "mend the cause, then send retry; or abort"
            reason = str((isinstance(error, ActivityError) and error.cause) or error)
            stop = Stop(step=step, reason=reason, hint=hint, at=workflow.now())
            await desk.halt(stop, ("retry", "abort"))


async def together(steps: Iterable[Coroutine[Any, Any, _Out]]) -> list[_Out]:
    """Run `steps` in parallel; return what they return, in their order.

    When one fails the others are cancelled and waited for, then its error is raised. With a bare
    `gather` they would go on behind a run that closes, and could stop it or ask a person.
    """
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        return await asyncio.gather(*tasks)
    except (Exception, asyncio.CancelledError):  # not where the run is thrown away: see home.py
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def to_the_end(step: Coroutine[Any, Any, _Out]) -> _Out:
    """Run a step that a cancel request, of which a run gets one at most, does not cut."""
    task = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        return await task
