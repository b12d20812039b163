"""Turning round a run that goes in circles; the second time, a person is asked."""

from temporalio import workflow

from workflows.desk import AbortedError, because
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.approval import Form
    from domain.loops import find_loop
    from domain.messages import Message


class Looping:
    """Looks at what the run did after each turn."""

    def __init__(self, work: Work) -> None:
        self._request, self._state, self._desk = work.request, work.state, work.desk

    async def look(self) -> None:
        """Turn a run round that repeats itself; the second time, ask a person.

        Raises:
            AbortedError: A person ends the run.
        """
        found = find_loop(self._state.watched)
        if found is None:
            return
        self._state.watched.clear()
        self._state.backtracks += 1
        what = f"{found.kind}: {', '.join(found.tools)}"
        if self._state.backtracks > 1:
            await self._ask_stuck(what)
            return
        self._state.forbid = tuple(dict.fromkeys((*self._state.forbid, *found.calls)))
        self._state.drop_tail(found.calls)
        self._say(
            f"You are going in circles ({what}). The repeated calls are withheld and their "
            "repetitions were taken out of this conversation. Take another way, or answer "
            "with what you have and say what is missing."
        )

    async def _ask_stuck(self, what: str) -> None:
        form = Form(
            kind="stuck",
            title="let the run go on",
            why=f"it goes in circles for the {self._state.backtracks}. time ({what})",
            request=self._request.task,
            done=self._state.done(),
            options=(
                ("approve", "it goes on, with your reason as a hint"),
                ("reject", "it ends here"),
            ),
        )
        decision = await self._desk.ask(form)
        if not decision.granted:
            raise AbortedError(because(f"it went in circles ({what})", decision))
        self._say(f"You are going in circles ({what}). A person says: {decision.reason or 'go on'}")

    def _say(self, text: str) -> None:
        """Put a message of the run's own behind the transcript."""
        self._state.add(Message(role="user", text=text), made=False)
