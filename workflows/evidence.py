"""What the questions of a verification are answered from: what the run read, and fresh look-ups.

A look-up is a call of a declared read tool whose arguments are written by somebody who sees the
question and not the claim. It goes through the same checks and guardrails as a model's call.
"""

from collections.abc import Sequence

from temporalio import workflow

from workflows import policies
from workflows.acting import Actor
from workflows.guarding import guards_of
from workflows.sidecalls import SideCalls, Unanswered, Wanted
from workflows.steps import sure
from workflows.watching import Watches
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.claims import LookUps, Picked, PickRequest, Source
    from domain.contract import canonical, digest
    from domain.evidence import calls_made, calls_of, name_of, within
    from domain.messages import Message, ToolCall
    from domain.selfcheck import VerificationPolicy
    from domain.state import AgentState


MOST_TASK = 6_000  # bytes of the task where it only says what an answer is about


class Evidence:
    """Collects what bears on some questions."""

    def __init__(self, work: Work, side: SideCalls) -> None:
        self._work = work
        self._side = side
        self._asked = 0

    async def of(
        self, questions: Sequence[str], fresh: Sequence[Source], most_bytes: int
    ) -> tuple[Source, ...]:
        """Return what the run has read, and `fresh`, as far as it bears on the questions."""
        work = self._work
        read = [
            Source(name="the task", text=work.request.task),
            *[Source(name=name_of(each), text=each.text) for each in calls_of(work.state)],
        ]
        return await self._within(questions, (*read, *fresh), most_bytes)

    async def _within(
        self, questions: Sequence[str], sources: tuple[Source, ...], most_bytes: int
    ) -> tuple[Source, ...]:
        """Return `sources`, or the passages of them that speak of the questions."""
        if sum(len(each.text.encode("utf-8", "replace")) for each in sources) <= most_bytes:
            return sources
        request = PickRequest(questions=tuple(questions), sources=sources, most_bytes=most_bytes)
        picked: Picked = await sure(
            self._work.desk,
            "claims.pick",
            lambda: workflow.execute_local_activity(
                "claims.pick", request, result_type=Picked, **policies.CHECK
            ),
        )
        return tuple(
            sources[at].model_copy(update={"text": sources[at].text[start:end]})
            for at, start, end in picked.cuts
        )

    async def looked_up(
        self, questions: Sequence[str], policy: VerificationPolicy, wanted: Wanted
    ) -> list[Source]:
        """Have the declared tools asked; what cannot be asked leaves the run's own evidence."""
        if not policy.sources or not questions:
            return []
        tools = [tool for tool in self._work.spec.tools if tool.name in policy.sources]
        listed = "\n".join(f"{number}. {each}" for number, each in enumerate(questions, 1))
        offered = "\n".join(
            f"- {tool.name}: {tool.description}\n  {canonical(tool.parameters).decode()}"
            for tool in tools
        )
        task = within(self._work.request.task, MOST_TASK)
        text = f"# The task\n\n{task}\n\n# Questions\n\n{listed}\n\n# Tools\n\n{offered}"
        said = await self._side.ask(wanted, text, LookUps)
        if isinstance(said, Unanswered) or not said.calls:
            return []
        return await self._called(
            [
                ToolCall(id=f"verify-{number}", name=each.tool, arguments=each.arguments)
                for number, each in enumerate(said.calls, 1)
            ],
            policy,
        )

    async def _called(self, calls: list[ToolCall], policy: VerificationPolicy) -> list[Source]:
        """Make the calls on a transcript of their own, with the declared tools alone."""
        work = self._work
        self._asked += 1
        named = digest(work.state.lineage, "verify", str(len(work.state.turns)), str(self._asked))
        tools = tuple(tool for tool in work.spec.tools if tool.name in policy.sources)
        spec = work.spec.model_copy(update={"tools": tools})
        state = AgentState(lineage=named, spec=spec)
        aside = Work(work.request, state, spec, work.desk)
        await Actor(aside, Watches(state, guards_of(aside))).act(calls)
        made = calls_made([Message(role="assistant", calls=tuple(calls)), *state.messages])
        return [Source(name=name_of(call), text=call.text) for call in made]
