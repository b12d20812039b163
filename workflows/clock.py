"""A run's clock: what it has worked, over continue-as-new; waiting for a person does not count."""

from datetime import datetime, timedelta

from temporalio import workflow


class Clock:
    """Begins with the run.

    Attributes:
        worked_before: Time that the run had worked before it continued as new.
        waited_before: Time that it had waited for people before it continued as new.
    """

    def __init__(self) -> None:
        self.worked_before = timedelta()
        self.waited_before = timedelta()
        self._since = workflow.now()
        self._waited = timedelta()

    def worked(self) -> timedelta:
        """Return the time the run has worked."""
        return self.worked_before + (workflow.now() - self._since) - self._waited

    def waited(self) -> timedelta:
        """Return the time the run has waited for people."""
        return self.waited_before + self._waited

    def excuse(self, waited: timedelta) -> None:
        """Take time off in which the run, or one below it, has waited for people."""
        self._waited += waited

    def excuse_since(self, since: datetime) -> None:
        """Take the time off that has passed since then."""
        self.excuse(workflow.now() - since)
