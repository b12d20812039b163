"""What an activity does that its worker cannot read: nothing, and the run waits for one that can.

The SDK counts arguments that do not decode as an attempt, and a write that is tried once would be
in doubt without having been begun. So they arrive sealed, and are refused here in words that the
workflow knows: nothing was sent, ask again later.
"""

from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Any, Final

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from domain.refused import PAUSED, Refused
from runtime.encryption_codec import Sealed

_AGAIN_IN: Final = timedelta(seconds=10)
KEY_MISSING: Final = "KeyMissing"

_log = structlog.stdlib.get_logger(__name__)


class WaitForKeys(Interceptor):
    """Refuses what arrives sealed.

    Args:
        patient: Activities that the workflow asks again, without end, when they are put off.
    """

    def __init__(self, patient: AbstractSet[str]) -> None:
        self._patient = patient

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap one attempt."""
        return _Waiting(next, self._patient)


class _Waiting(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, patient: AbstractSet[str]) -> None:
        super().__init__(inner)
        self._patient = patient

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        for value in (*input.args, *info.heartbeat_details):
            if isinstance(value, Sealed):
                _log.error("cannot read an activity's input", why=str(value.why))
                raise _put_off(str(value.why), info, self._patient)
        return await super().execute_activity(input)


def _put_off(why: str, info: activity.Info, patient: AbstractSet[str]) -> ApplicationError:
    if info.activity_type not in patient:
        return ApplicationError(why, type=KEY_MISSING, next_retry_delay=_AGAIN_IN)
    refused = Refused(
        reason=why,
        wait_s=_AGAIN_IN.total_seconds(),
        before=info.attempt - 1,
        # What an earlier attempt, elsewhere, may have done is as open as it was.
        sent=info.attempt > 1,
    )
    told = refused.model_dump(mode="json")
    return ApplicationError(why, told, type=PAUSED, non_retryable=True)
