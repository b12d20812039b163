"""What a person is asked for a worker, and what each answer does."""

from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.approval import Form
    from domain.goals import Task
    from domain.orchestration import TaskMemory


def form(task: Task, question: str, memory: TaskMemory, gives: dict[str, Any]) -> Form:
    """Return the question that a task's worker has.

    Args:
        task: The task.
        question: In the worker's words.
        memory: What has become of the task so far.
        gives: JSON Schema of the output that a person may give in the worker's place.
    """
    return Form(
        kind="task",
        title=f"answer the task {task.id!r}",
        why=question,
        request=task.does,
        done=tuple(f"attempt {n}: {why}" for n, why in enumerate(memory.earlier, 1)),
        options=(
            ("approve", "it is done again, and its worker is told your reason as the answer"),
            ("modify", "the arguments that you send are its output; no worker does it again"),
            ("reject", "it fails for good, and what depends on it is not done"),
            ("abort", "the run ends here"),
        ),
        arguments=_sketch(gives),
    )


def _sketch(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what an output looks like: its fields, each with its type in words."""
    fields: dict[str, dict[str, Any]] = schema.get("properties", {})
    return {
        name: str(each.get("type") or each.get("title") or "any") for name, each in fields.items()
    }
