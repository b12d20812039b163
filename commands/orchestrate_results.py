"""How an orchestrated run is printed: each task's end, what checkpoints found, the outputs."""

from collections.abc import Iterable

from rich.console import RenderableType

from commands import console, results
from commands.as_markdown import markdown
from commands.console import safe
from domain.orchestration import OrchestrationResult, TaskResult

KIND = "orchestrator"
_COLOURS = {
    "done": "green",
    "failed": "red",
    "not_done": "red",
    "asked": "yellow",
    "retry": "yellow",
}
_WORDS = {
    "not_done": "not done",
    "failed": "failed for good",
    "asked": "asks a person",
    "retry": "in the retry queue",
    "running": "under way",
}


def _facts(result: OrchestrationResult) -> dict[str, str]:
    standings = [task.standing for task in result.tasks]
    counted = {word: standings.count(word) for word in dict.fromkeys(standings)}
    told = [
        f"{each.phase}: {'; '.join(each.wrong)} ({_way(each.way)})"
        for each in result.checkpoints
        if each.wrong
    ]
    letters = [
        f"python starter.py dead-letters requeue {task.letter}"
        for task in result.tasks
        if task.letter
    ]
    return {
        "tasks": ", ".join(f"{number} {_word(name)}" for name, number in counted.items()),
        "planned by": safe({"hand": "the goal itself"}.get(result.planned_by, result.planned_by)),
        "checkpoints": results.lines(told),
        "once mended": results.lines(letters),
    }


@results.shows(KIND, facts=_facts)
def body(result: OrchestrationResult) -> Iterable[RenderableType]:
    """Return the tasks' table, and the output that was asked for, else all of them."""
    if result.tasks:
        yield _table(result.tasks)
        yield ""
    wanted = [result.result] if result.result in result.outputs else list(result.outputs)
    for name in wanted:
        yield safe(markdown(result.outputs[name], _words(name)))
        yield ""


def _table(tasks: Iterable[TaskResult]) -> RenderableType:
    shown = list(tasks)
    why = any(task.reason for task in shown)
    columns = ("task", "worker", "phase", "ended", "attempts", *(["why"] if why else []))
    made = console.table(*columns, right=("attempts",))
    for task in shown:
        colour = _COLOURS.get(task.standing, "cyan")
        more = f" (letter {task.letter})" if task.letter else ""
        more += f", due {task.due_at:%H:%M:%S} UTC" if task.due_at else ""
        made.add_row(
            safe(task.id),
            safe(task.worker),
            safe(task.phase),
            f"[{colour}]{_word(task.standing)}[/]{more}",
            str(task.attempts or ""),
            *([safe(task.reason)] if why else []),
        )
    return made


def _word(standing: str) -> str:
    return _WORDS.get(standing, standing)


def _way(way: str) -> str:
    return {
        "retry": "done again",
        "skip": "a person went on without",
        "unasked": "nobody was asked",
    }.get(way, way)


def _words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").capitalize()
