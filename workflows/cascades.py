"""A run whose attempts keep failing stands still before it makes more of them.

A workflow does not see attempts. What an activity returns says how many of its attempts failed
before, and what a failed one leaves says how many there were: so it costs no step to know.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError, RetryState

from workflows.patience import refusal
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.cascade import Trouble, cascade, recent
    from domain.run import Stop


class Cascade:
    """Counts the failed attempts of one run."""

    def __init__(self, work: Work) -> None:
        self._state, self._desk = work.state, work.desk
        self._policy = work.spec.cascade

    def note(self, step: str, failed: int) -> None:
        """Count failed attempts of a call that came to something after all."""
        if not failed or self._policy is None:
            return
        now = workflow.now()
        still = recent(self._state.troubles, self._policy, now)
        self._state.troubles = [*still, Trouble(step=step, count=failed, at=now)]

    def note_end(self, step: str, error: ActivityError, tries: int) -> None:
        """Count the failed attempts of a call that came to nothing.

        Args:
            step: The activity's name.
            error: How it ended.
            tries: Attempts that its policy allows.
        """
        self.note(step, _failed(error, tries))

    async def hold(self) -> None:
        """Stand still where too many have failed, until a person says that it may go on.

        Raises:
            AbortedError: They end the run.
        """
        if self._policy is None or not self._state.troubles:
            return
        reason = cascade(self._state.troubles, self._policy, workflow.now())
        if not reason:
            return
        self._state.troubles = []
        hint = "see what is down (starter.py breakers), then send retry; or abort"
        stop = Stop(step="the whole run", reason=reason, hint=hint, at=workflow.now())
        await self._desk.halt(stop, ("retry", "abort"))


def _failed(error: ActivityError, tries: int) -> int:
    if refused := refusal(error):
        return refused.before
    return tries if error.retry_state == RetryState.MAXIMUM_ATTEMPTS_REACHED else 1
