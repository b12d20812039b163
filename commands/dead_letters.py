"""`dead-letters`: refused inputs and failed tasks, to be mended and sent again, or dropped."""

import json as jsonlib
from dataclasses import asdict
from typing import Annotated, Any, cast

import typer

from commands import console, options, task_letters, views
from commands.console import safe
from commands.errors import CommandError, Exit
from commands.groups import group
from commands.reading import AGENT_WORKFLOW
from commands.run import pairs
from commands.session import session, whoami
from commands.starting import Start, announce, start
from runtime.database import opened
from runtime.dead_letters import DeadLetter, DeadLetters, LetterState
from runtime.settings import Settings

LetterId = Annotated[str, typer.Argument(metavar="ID", help="The letter, as `list` shows it.")]
Every = Annotated[
    bool, typer.Option("--all", "-a", help="Also requeued and dropped ones.", metavar="")
]
Payload = Annotated[
    str, typer.Option("--input", metavar="JSON", help="The mended input; default: as it was.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="For a failed task: an input of its goal, mended. May be repeated.",
    ),
]


async def list_letters(every: Every = False, json: options.Json = False) -> Exit:
    """List refused inputs and failed tasks, newest first."""
    async with opened(Settings.load()) as database:
        found = await DeadLetters(database).list(None if every else "open")
    if json:
        console.emit([_row(letter) for letter in found])
        return Exit.OK
    if not found:
        console.note("no dead letters")
        return Exit.OK
    table = console.table("id", "state", "agent", "run", "task", "reason")
    for letter in found:
        shown = (letter.agent, letter.run_id, _task(letter), letter.reason)
        table.add_row(letter.id, letter.state, *map(safe, shown))
    console.out().print(table)
    return Exit.OK


async def show_letter(letter_id: LetterId, json: options.Json = False) -> Exit:
    """Show a refused input, or a failed task and what would be done again with it."""
    async with opened(Settings.load()) as database:
        letter = await DeadLetters(database).get(letter_id)
    if json:
        console.emit(_row(letter))
        return Exit.OK
    facts = {
        "letter": letter.id,
        "state": letter.state,
        "run": safe(letter.run_id),
        "agent": safe(letter.agent),
        "tenant": safe(letter.tenant),
        **{name: safe(value) for name, value in task_letters.facts(_payload(letter)).items()},
        "reason": f"[red]{safe(letter.reason)}[/]",
        "at": f"{letter.created_at:%Y-%m-%d %H:%M:%S} UTC",
        "input": safe(jsonlib.dumps(_payload(letter), indent=2, ensure_ascii=False)),
    }
    console.out().print(views.facts(facts))
    return Exit.OK


async def requeue(
    letter_id: LetterId,
    payload: Payload = "",
    sets: Sets = None,
    by: options.By = "",
    json: options.Json = False,
) -> Exit:
    """Start a refused input again, as it was or mended; of a failed task, it and what waits for it.

    The run's id is `requeued-` and the letter's, so that a letter is sent once.
    """
    async with session() as connected:
        letters = DeadLetters(connected.database)
        letter = await letters.get(letter_id)
        _need_open(letter)
        workflow, request = _split(_payload(letter))
        if payload:
            request = options.json_object(payload, "--input")
        if sets:
            request = task_letters.mended(letter.id, request, pairs(sets, "--set"))
        run_id = f"requeued-{letter.id}"
        started = await start(connected, Start(workflow, request, "requeued", run_id, detach=True))
        # Started first: a crash in between leaves a letter too many, never one lost.
        await letters.move(letter_id, "requeued", by=by or whoami())
        announce(connected, started)
    if json:
        console.emit({"id": letter_id, "state": "requeued", "run_id": started.run_id})
    else:
        console.out().print(started.run_id)
    return Exit.OK


async def drop(letter_id: LetterId, by: options.By = "", json: options.Json = False) -> Exit:
    """Put a refused input or a failed task aside for good; it stays readable."""
    async with opened(Settings.load()) as database:
        letters = DeadLetters(database)
        _need_open(await letters.get(letter_id))
        await letters.move(letter_id, "dropped", by=by or whoami())
    if json:
        console.emit({"id": letter_id, "state": "dropped"})
    else:
        console.out().print(f"dropped {letter_id}")
    return Exit.OK


def _need_open(letter: DeadLetter) -> None:
    if letter.state != "open":
        raise CommandError(f"dead letter {letter.id!r} was {letter.state} already")


def _task(letter: DeadLetter) -> str:
    return str(_payload(letter).get("task", ""))


def _payload(letter: DeadLetter) -> dict[str, Any]:
    try:
        found = jsonlib.loads(letter.payload)
    except ValueError:
        return {"unreadable": letter.payload}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {"value": found}


def _row(letter: DeadLetter) -> dict[str, Any]:
    state: LetterState = letter.state
    return {
        **asdict(letter),
        "state": state,
        "payload": _payload(letter),
        "created_at": letter.created_at.isoformat(),
    }


def _split(payload: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return workflow and input of a letter: `{"workflow": ..., "input": {...}}`."""
    given = payload.get("input")
    if not isinstance(given, dict):
        return AGENT_WORKFLOW, payload
    return str(payload.get("workflow", AGENT_WORKFLOW)), cast("dict[str, Any]", given)


def letters() -> typer.Typer:
    """Return the commands, put together."""
    return group(
        "Refused inputs and failed tasks: mend them and send them again, or drop them.",
        {"list": list_letters, "show": show_letter, "requeue": requeue, "drop": drop},
    )
