"""The daily sample: decisions of one day, drawn by chance, for a person to review.

A schedule starts it. What is durable is in the database; run again for a day, it draws nothing
more than the day still lacks.
"""

from datetime import date, datetime, timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey

with workflow.unsafe.imports_passed_through():
    from domain.lifecycle import State
    from domain.runs import Outcome, RunState
    from domain.sampling import Drawn, Sample, Sampled, SamplingRequest
    from workflows import policies
    from workflows.conducted import Conducted
    from workflows.ends import RefusedError
    from workflows.failures import FAILURES
    from workflows.steps import sure

_SEED_BITS = 48
_SCHEDULED = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")


@workflow.defn(name="SamplingWorkflow", failure_exception_types=FAILURES)
class SamplingWorkflow(Conducted[Sampled]):
    """Draws one day's decisions."""

    NAME = "sampling"

    @workflow.init
    def __init__(self, request: SamplingRequest) -> None:
        state = RunState(lineage=str(workflow.uuid4()), started_at=workflow.now())
        super().__init__(request, state)
        self._request = request
        self._day = request.day or f"{_scheduled() - timedelta(days=1):%Y-%m-%d}"
        self._drawn = Drawn()

    @workflow.run
    async def run(self, request: SamplingRequest) -> Sampled:
        """Draw what the day still lacks of its sample."""
        return await self.conduct(self._work)

    async def _work(self) -> None:
        self.desk.move(State.VALIDATING)
        try:
            date.fromisoformat(self._day)
        except ValueError:
            raise RefusedError(f"day {self._day!r}: expected a date like 2026-01-31") from None
        self.desk.move(State.PLANNING)
        self.desk.move(State.EXECUTING)
        sample = Sample(
            tenant=self._request.tenant,
            day=self._day,
            size=self._request.size,
            seed=workflow.random().getrandbits(_SEED_BITS),
        )
        self._drawn = await sure(
            self.desk,
            "triage.sample",
            lambda: workflow.execute_local_activity(
                "triage.sample", sample, result_type=Drawn, **policies.RECORD
            ),
        )

    def _result(self, outcome: Outcome, reason: str) -> Sampled:
        drawn = self._drawn
        return Sampled(
            **self._closed(outcome, reason), day=self._day, taken=drawn.taken, total=drawn.total
        )


def _scheduled() -> datetime:
    """Return when the schedule meant it to run: after an outage that may be long ago."""
    return workflow.info().typed_search_attributes.get(_SCHEDULED) or workflow.now()
