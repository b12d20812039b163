"""`eval add`: a run from production becomes a case, with what people corrected as what is right."""

import asyncio
import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, cast

import typer
import yaml

from activities.guarding.redacting import redactor
from commands import console, options
from commands.errors import Exit, Misuse
from commands.evals.cases import FILES, About, Expected, Inputs, folder_of
from commands.evals.recorded import Lesson, Recorded, lesson, recorded
from commands.evals.results import write
from commands.session import session
from runtime.reviews import Reviews

_FILE = "from_runs.yaml"
_MOST_FILE = 200_000
_REMOVED = re.compile(r"\[([a-z][a-z ]*) removed\]")

Expect = Annotated[
    str,
    typer.Option("--expect", metavar="JSON", help='What should come of it: {"fields": {...}}.'),
]
Rubric = Annotated[str, typer.Option("--rubric", help="What a judge asks of the answer.")]
Name = Annotated[str, typer.Option("--name", help="Of the case; default: the run's id.")]
Why = Annotated[str, typer.Option("--why", help="What the case is for.")]
Into = Annotated[
    Path | None,
    typer.Option("--to", metavar="FILE", help="Default: the agent's evals/from_runs.yaml."),
]


async def add(
    run_id: options.RunId,
    *,
    expect: Expect = "",
    rubric: Rubric = "",
    name: Name = "",
    why: Why = "",
    into: Into = None,
    json: options.Json = False,
) -> Exit:
    """Make a case of a closed run: its task, what tools told it, and what people made of it.

    Nothing is taken out of it. What looks like personal data is named, for you to decide.
    """
    given = options.json_object(expect, "--expect") if expect else {}
    async with session() as opened:
        run = await recorded(opened, run_id)
        corrected = await Reviews(opened.database).correction(run_id)
    learned = lesson(run, corrected)
    wanted = given | ({"rubric": rubric} if rubric else {})
    case = await asyncio.to_thread(_case, run, learned, wanted)
    case["name"] = name or run_id.replace("/", "-")
    case["metadata"] = About(why=why, run=run_id).model_dump(exclude_defaults=True)
    path = into or folder_of(run.request.agent) / _FILE
    await asyncio.to_thread(_append, path, run.request.agent, case)
    found = _personal(yaml.safe_dump(case, allow_unicode=True))
    notes = [*learned.notes, *([found] if found else [])]
    if json:
        console.emit({"case": case["name"], "file": str(path), "notes": notes, "added": case})
        return Exit.OK
    console.out().print(f"[green]✓[/] case {console.safe(case['name'])} in {path}", soft_wrap=True)
    for note in notes:
        console.warn(note)
    console.note(f"python starter.py eval {run.request.agent} --only {case['name']}")
    return Exit.OK


def _case(run: Recorded, learned: Lesson, given: dict[str, Any]) -> dict[str, Any]:
    expected = learned.expected.model_dump(exclude_defaults=True) | given
    # What is not said is not looked at, so that none at all is said too.
    for name in ("effects", "asks"):
        expected.setdefault(name, [])
    Expected.model_validate(expected)
    data, files = taken_along(run.request.data, learned.notes)
    inputs = Inputs(
        task=run.request.task,
        data=data,
        files=files,
        stubs=run.stubs,
        answers=learned.answers,
        by=run.request.by,
    )
    return {
        "name": "",
        "inputs": inputs.model_dump(exclude_defaults=True, mode="json"),
        "expected_output": expected,
    }


def taken_along(data: dict[str, str], notes: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return a run's inputs with the files that they name taken along, as far as they can be."""
    kept, files = dict[str, str](), dict[str, str]()
    for name, value in data.items():
        path = Path(value)
        kept[name] = value
        if not path.is_absolute() or not path.exists():
            continue
        try:
            if path.stat().st_size <= _MOST_FILE:
                files[path.name] = path.read_text(encoding="utf-8")
                kept[name] = f"{FILES}/{path.name}"
                notes.append(f"{name}: {value} was copied into the case as it is now")
                continue
        except (OSError, UnicodeDecodeError):
            pass
        notes.append(f"{name}: {value} stays where it is; put what the case needs into files")
    return kept, files


def _append(path: Path, agent: str, case: dict[str, Any]) -> None:
    """Write a case behind those that are there.

    Raises:
        Misuse: One has its name.
    """
    raw: Any = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    known = cast("list[dict[str, Any]]", raw.get("cases") or [])
    if any(each["name"] == case["name"] for each in known):
        raise Misuse(f"{path} has a case {case['name']!r}; give another --name, or take it out")
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(
        {"name": agent, "cases": [*known, case]}, sort_keys=False, allow_unicode=True, width=100
    )
    write(path, text, "the cases")


def _personal(text: str) -> str:
    """Return what looks like personal data or a secret in a case, in one sentence."""
    kinds = Counter(_REMOVED.findall(redactor()(text)))
    if not kinds:
        return ""
    shown = ", ".join(f"{kind} ({count})" for kind, count in sorted(kinds.items()))
    return (
        f"it has what looks like personal data or secrets: {shown}. Nothing was taken out: edit "
        "the file before it goes where others read it"
    )
