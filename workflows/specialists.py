"""A research's specialists: each sub-task in a run of its own, handed what it needs and no more."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError
from temporalio import workflow

from workflows import policies
from workflows.children import Child, Children
from workflows.conducted import Conducted
from workflows.ends import LimitReachedError
from workflows.steps import sure, together
from workflows.supervising import Supervisor, unaffordable, untried

with workflow.unsafe.imports_passed_through():
    from domain.research import (
        SPECIALISTS,
        Citation,
        Draft,
        Evidence,
        Finding,
        SearchTask,
        SubTask,
        Synthesis,
        SynthesisTask,
        WriteTask,
    )
    from domain.researching import (
        Attempt,
        ResearchRequest,
        ResearchResult,
        ResearchState,
        Worked,
    )
    from domain.run import Came
    from domain.verdicts import CheckResultsRequest, Verdicts

COLLECTION = "collection"
_MOST_HANDED = 150_000  # characters of quotations in one task; a task has a limit of its own


class Specialists:
    """Works the plan off, in waves: all sub-tasks that have what they need, at once."""

    def __init__(
        self,
        run: Conducted[ResearchResult],
        request: ResearchRequest,
        state: ResearchState,
        children: Children,
        supervisor: Supervisor,
    ) -> None:
        self._run = run
        self._request = request
        self._state = state
        self._children = children
        self._supervisor = supervisor

    async def work_next(self) -> bool:
        """Settle the next wave; False where the whole plan is settled."""
        settled = {worked.task.id for worked in self._state.worked}
        ready = [
            task
            for task in self._state.plan
            if task.id not in settled and settled.issuperset(task.needs)
        ]
        self._state.worked += await together(self._settled(task) for task in ready)
        return bool(ready)

    async def _settled(self, task: SubTask) -> Worked:
        """Work on a sub-task until it has a result, or is left."""
        kind, tried = SPECIALISTS[task.specialist], list[Attempt]()
        empty = self._without_work(task)
        if empty is not None:
            return Worked(task=task, kind=kind, **empty)
        while True:
            came, result, failure = await self._tried(task, len(tried) + 1)
            attempt = Attempt(
                specialist=task.specialist,
                run_id=came.run_id,
                outcome=came.outcome,
                failure=failure,
            )
            tried.append(attempt)
            if not failure or (failure == _NOTHING and not untried(task, tried)):
                # That there is nothing in the documents is a result, once all have looked.
                return Worked(task=task, kind=kind, attempts=tuple(tried), **result)
            following = await self._supervisor.decide(task, tried)
            if following == "leave":
                return Worked(task=task, kind=kind, attempts=tuple(tried))
            task = following

    def _without_work(self, task: SubTask) -> dict[str, Any] | None:
        """Return the result of a sub-task that is handed nothing to work on."""
        kind = SPECIALISTS[task.specialist]
        if kind == "synthesise":
            evidence = self._evidence(task)
            if not any(each.found for each in evidence):
                return {"synthesis": Synthesis(gaps=_first(g for e in evidence for g in e.gaps))}
        if kind == "write":
            findings = self._findings(task)
            if not any(each.claims for each in findings):
                gaps = _first((g for f in findings for g in f.gaps), 20)
                return {"draft": Draft(title=self._request.question[:300], gaps=gaps)}
        return None

    async def _tried(self, task: SubTask, number: int) -> tuple[Came, dict[str, Any], str]:
        """Return what a try came to: the run, its typed result, why that does not do."""
        child = Child(
            id=f"{task.id}-{number}",
            agent=task.specialist,
            task=self._told(task).model_dump(mode="json"),
            data={COLLECTION: self._state.lineage},
            summary=f"{task.specialist}: {task.instruction}",
        )
        came = await self._children.run(child)
        if unaffordable(came):
            raise LimitReachedError("the research's budget")
        if not came.ok:
            return came, {}, came.reason or f"it ended as {came.outcome}"
        try:
            result = _RESULTS[SPECIALISTS[task.specialist]].model_validate(came.answer)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            return came, {}, f"its answer does not fit: {where}: {first['msg']}"
        if isinstance(result, Evidence):
            evidence = await self._harmless(task, result)
            return came, {"evidence": evidence}, "" if evidence.found else _NOTHING
        if isinstance(result, Synthesis):
            return came, {"synthesis": result}, "" if result.claims else "it states nothing"
        return came, {"draft": result}, "" if result.claims else "it claims nothing"

    async def _harmless(self, task: SubTask, evidence: Evidence) -> Evidence:
        """Leave out quotations that speak to a model: they go no further than who found them."""
        texts = {str(number): each.quote for number, each in enumerate(evidence.found)}
        if not texts:
            return evidence
        verdicts = await sure(self._run.desk, "check.results", lambda: _looked_at(texts))
        spoken = {**verdicts.flagged, **verdicts.refused}
        for number, why in spoken.items():
            passage = evidence.found[int(number)].passage
            self._state.dropped.append(
                f"quotation of {passage!r}, found for {task.id!r}, was not handed on: {why}"
            )
        kept = [each for number, each in enumerate(evidence.found) if str(number) not in spoken]
        return evidence.model_copy(update={"found": tuple(kept)})

    # --- what is handed on

    def _told(self, task: SubTask) -> BaseModel:
        about = {"question": self._request.question, "instruction": task.instruction}
        kind = SPECIALISTS[task.specialist]
        if kind == "search":
            return SearchTask(**about)
        if kind == "synthesise":
            return SynthesisTask(**about, evidence=self._evidence(task))
        return WriteTask(**about, findings=self._findings(task))

    def _evidence(self, task: SubTask) -> tuple[Evidence, ...]:
        found = [each.evidence for each in self._needed(task) if each.evidence is not None]
        left = _MOST_HANDED
        handed: list[Evidence] = []
        for each in found:
            fitting: list[Citation] = []
            for citation in each.found:
                left -= len(citation.quote)
                if left > 0:
                    fitting.append(citation)
            handed.append(each.model_copy(update={"found": tuple(fitting)}))
        return tuple(handed)

    def _findings(self, task: SubTask) -> tuple[Finding, ...]:
        return tuple(
            Finding(
                about=each.task.instruction,
                claims=each.synthesis.claims,
                gaps=each.synthesis.gaps,
            )
            for each in self._needed(task)
            if each.synthesis is not None
        )

    def _needed(self, task: SubTask) -> list[Worked]:
        by_id = {worked.task.id: worked for worked in self._state.worked}
        return [by_id[need] for need in task.needs if need in by_id]


_NOTHING = "it found nothing"
_RESULTS: dict[str, type[Evidence] | type[Synthesis] | type[Draft]] = {
    "search": Evidence,
    "synthesise": Synthesis,
    "write": Draft,
}


def _first(gaps: Iterable[str], most: int = 10) -> tuple[str, ...]:
    return tuple(dict.fromkeys(gaps))[:most]


async def _looked_at(texts: dict[str, str]) -> Verdicts:
    return await workflow.execute_local_activity(
        "check.results",
        CheckResultsRequest(results=texts),
        result_type=Verdicts,
        **policies.CHECK,
    )
