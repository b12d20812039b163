"""How runs end: one table from what ends the work to the outcome that the run closes with."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

from workflows.desk import AbortedError
from workflows.home import Home
from workflows.records import said
from workflows.steps import to_the_end

with workflow.unsafe.imports_passed_through():
    from domain.runs import Outcome

_Result = TypeVar("_Result")


class RefusedError(Exception):
    """The input cannot be worked on; it goes to the dead letters."""


class LimitReachedError(Exception):
    """There is no room for another call; the run closes with that outcome."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit


async def ended(
    work: Coroutine[Any, Any, None],
    close: Callable[[Outcome, str], Coroutine[Any, Any, _Result]],
) -> _Result:
    """Do the work and close the run, whatever the work comes to.

    A cap, a refusal and an abort are outcomes; a cancellation and a failure are closed too, and
    then raised, so that the server knows the run by them.

    Args:
        work: All that the run does.
        close: Undoes, keeps and returns what it came to, given the outcome and the reason.
    """
    home, outcome, reason = Home(), Outcome.COMPLETED, ""
    try:
        await work
    except RefusedError as refusal:
        outcome, reason = Outcome.REJECTED, str(refusal)
    except LimitReachedError as reached:
        outcome, reason = Outcome.LIMIT, f"limit reached: {reached.limit}"
    except AbortedError as end:
        outcome, reason = Outcome.ABORTED, str(end)
    except BaseException as error:
        if is_cancelled_exception(error):
            await close(Outcome.CANCELLED, "cancelled")
        elif isinstance(error, Exception) and home.is_here():
            await close(Outcome.FAILED, said(error))
        raise
    return await to_the_end(close(outcome, reason))
