"""Between phases: what is known must agree with itself, or a person says how to go on.

Retry, skip or abort, as for any run that stands still. What is retried is what the contradiction
is about and what rests on it, each by a new run that is told what did not hold.
"""

from collections.abc import Iterable
from typing import Literal

from temporalio import workflow

from workflows.conducted import Conducted
from workflows.desk import Way

with workflow.unsafe.imports_passed_through():
    from domain.checkpoint import Checkpoint
    from domain.coherence import Incoherence, broken, disagreeing
    from domain.goals import Goal
    from domain.orchestration import OrchestrationResult, OrchestrationState
    from domain.run import Stop
    from domain.taskgraph import dependents, phases_of

_SETTLED = {"skip", "unasked"}
_MOST_TOLD = 10


class Checkpoints:
    """Looks at what a phase has left, and has it done again where a person wants that."""

    def __init__(
        self, run: Conducted[OrchestrationResult], state: OrchestrationState, goal: Goal
    ) -> None:
        self._run = run
        self._state = state
        self._goal = goal
        self._phases = phases_of(goal)

    async def passes(self, misfits: dict[str, str]) -> bool:
        """Whether the next phase may begin; if not, tasks wait to be done again.

        Args:
            misfits: Outputs that do not fit their schemas, and how.

        Raises:
            AbortedError: A person ended the run.
        """
        wrong = self._wrong(misfits)
        if not wrong:
            self._note("coherent", (), ())
            return True
        again = self._again(wrong)
        told = tuple(each.what for each in wrong)
        if self._run.desk.asks_nobody:
            self._state.not_done.append(f"a person would have been asked: {'; '.join(told)}")
            self._note("unasked", told, ())
            return True
        way = await self._run.desk.halt(self._stop(told, again), _ways(again))
        if way == "retry":
            self._note("retry", told, again)
            self._do_again(again, told)
            return False
        self._note("skip", told, ())
        return True

    # --- what does not hold

    def _wrong(self, misfits: dict[str, str]) -> list[Incoherence]:
        state, goal = self._state, self._goal
        rules = [rule for phase in goal.phases[: state.phase + 1] for rule in phase.holds]
        known = {**goal.values, **state.outputs}
        found = [
            *self._missing(),
            *(
                Incoherence(f"{name} is not what its worker gives: {why}", frozenset({name}))
                for name, why in misfits.items()
            ),
            *disagreeing(goal.agree, goal.values, state.outputs),
            *broken(rules, known),
        ]
        settled = {
            what for each in state.checkpoints if each.way in _SETTLED for what in each.wrong
        }
        return [each for each in found if each.what not in settled]

    def _missing(self) -> Iterable[Incoherence]:
        """Say which tasks of the phase failed for good; what was not done follows from them.

        Behind the last phase nothing waits for their outputs any more.
        """
        state, goal = self._state, self._goal
        if state.phase + 1 >= len(goal.phase_names) or state.out_of_room:
            return
        for task in goal.tasks:
            memory = state.tasks[task.id]
            here = self._phases[task.id] == goal.phase_names[state.phase]
            if here and memory.standing == "failed":
                behind = dependents([task.id], goal.tasks)
                without = f", and without it not {', '.join(behind)}" if behind else ""
                what = f"{task.gives} is not there: {task.id} failed for good ({memory.reason})"
                yield Incoherence(f"{what}{without}", frozenset({task.gives}))

    # --- what is done about it

    def _again(self, wrong: list[Incoherence]) -> tuple[str, ...]:
        """Return the tasks that wrote what does not hold, and those that rest on them."""
        names = {name for each in wrong for name in each.names}
        wrote = [task.id for task in self._goal.tasks if task.gives in names]
        behind = [
            each
            for each in dependents(wrote, self._goal.tasks)
            if self._state.tasks[each].standing != "waiting"
        ]
        return (*wrote, *behind)

    def _do_again(self, again: tuple[str, ...], told: tuple[str, ...]) -> None:
        by_id = {task.id: task for task in self._goal.tasks}
        for task_id in again:
            memory = self._state.tasks[task_id]
            self._state.outputs.pop(by_id[task_id].gives, None)
            memory.standing, memory.attempts, memory.reason = "waiting", 0, ""
            memory.earlier.append(f"a checkpoint did not hold: {'; '.join(told)}"[:2_000])

    def _stop(self, told: tuple[str, ...], again: tuple[str, ...]) -> Stop:
        more = f"; and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
        name = self._goal.phase_names[self._state.phase]
        retry = f"retry has {', '.join(again)} done again; " if again else ""
        return Stop(
            step=f"checkpoint of phase {name!r}",
            reason=f"{'; '.join(told[:_MOST_TOLD])}{more}",
            hint=f"{retry}skip goes on with what there is; abort ends the run",
            at=workflow.now(),
        )

    def _note(
        self,
        way: Literal["coherent", "retry", "skip", "unasked"],
        wrong: tuple[str, ...],
        again: tuple[str, ...],
    ) -> None:
        self._state.checkpoints.append(
            Checkpoint(
                phase=self._goal.phase_names[self._state.phase],
                wrong=wrong,
                way=way,
                again=again,
                at=workflow.now(),
            )
        )


def _ways(again: tuple[str, ...]) -> tuple[Way, ...]:
    return ("retry", "skip", "abort") if again else ("skip", "abort")
