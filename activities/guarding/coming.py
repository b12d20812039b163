"""What comes into a run, by its policy: results before they are read, a task before it begins."""

from dataclasses import dataclass

from activities.guarding.detect import Found, look
from domain.activity import ResolveRequest
from domain.guard import GuardPolicy
from domain.taint import Taint, unmarked
from domain.verdicts import CheckResultsRequest


def suspicion(request: CheckResultsRequest, call_id: str) -> tuple[str, bool]:
    """Return what a result does to the model in a few words, and whether it is withheld."""
    if request.injection == "off":
        return "", False
    # Without the mark, which names the tool that the text is from.
    text = unmarked(request.results[call_id])
    ours = call_id in request.ours
    found = look(text, request.writes, _before(request, call_id), ours=ours)
    if not found.suspicious:
        return "", False
    held = request.injection == "withhold" and found.certain
    return f"it addresses the model: {_kinds(found)}", held


def _before(request: CheckResultsRequest, call_id: str) -> tuple[str, ...]:
    """Return what was read before a result: an order may be split over several."""
    texts = list(request.results)
    earlier = texts[: texts.index(call_id)]
    return (*request.before, *(unmarked(request.results[each]) for each in earlier[-1:]))


def _kinds(found: Found) -> str:
    return ", ".join(dict.fromkeys(found.kinds))


def intake(request: ResolveRequest, guards: GuardPolicy) -> "Intake":
    """Return why a run does not begin, or what taints it from its start.

    Whoever asks for a run may speak of its tools by their names, as strangers have no reason to.
    """
    size = len(request.task.encode("utf-8", "surrogatepass"))
    if size > guards.most_task_bytes:
        told = f"the task has {size} bytes; {guards.most_task_bytes} are allowed"
        return Intake(refusal=told, by="size")
    if outside := guards.off_topic(request.task):
        return Intake(refusal=outside, by="scope")
    if guards.injected_task == "off":
        return Intake()
    taints: list[Taint] = []
    texts = {"task": request.task, **{f"data {name}": text for name, text in request.data.items()}}
    for source, text in texts.items():
        found = look(text)
        if not found.suspicious:
            continue
        why = f"it addresses the model: {_kinds(found)}"
        if guards.injected_task == "refuse" and found.certain:
            return Intake(refusal=f"the {source} is refused: {why}", by="injection")
        taints.append(Taint(source=source, why=why))
    return Intake(taints=tuple(taints))


@dataclass(frozen=True)
class Intake:
    """What is to be said of a run's beginning.

    Attributes:
        by: Which guard refuses it: one word of a closed set.
    """

    refusal: str = ""
    by: str = ""
    taints: tuple[Taint, ...] = ()
