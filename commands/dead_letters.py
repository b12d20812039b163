"""`dead-letters`: inputs that were refused, to be mended and sent again or dropped."""

import json as jsonlib
from dataclasses import asdict
from typing import Annotated, Any, cast

import typer

from commands import console, options, views
from commands.console import safe
from commands.errors import CommandError, Exit
from commands.reading import AGENT_WORKFLOW
from commands.session import session
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


async def list_letters(every: Every = False, json: options.Json = False) -> Exit:
    """List refused inputs, newest first."""
    async with opened(Settings.load()) as database:
        found = await DeadLetters(database).list(None if every else "open")
    if json:
        console.emit([_row(letter) for letter in found])
        return Exit.OK
    if not found:
        console.note("no dead letters")
        return Exit.OK
    table = console.table("id", "state", "agent", "run", "reason")
    for letter in found:
        table.add_row(
            letter.id, letter.state, *map(safe, (letter.agent, letter.run_id, letter.reason))
        )
    console.out().print(table)
    return Exit.OK


async def show_letter(letter_id: LetterId, json: options.Json = False) -> Exit:
    """Show a refused input and why it was refused."""
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
        "reason": f"[red]{safe(letter.reason)}[/]",
        "at": f"{letter.created_at:%Y-%m-%d %H:%M:%S} UTC",
        "input": safe(jsonlib.dumps(_payload(letter), indent=2, ensure_ascii=False)),
    }
    console.out().print(views.facts(facts))
    return Exit.OK


async def requeue(letter_id: LetterId, payload: Payload = "", json: options.Json = False) -> Exit:
    """Start a refused input again, as it was or mended."""
    async with session() as connected:
        letters = DeadLetters(connected.database)
        letter = await letters.get(letter_id)
        _need_open(letter)
        workflow, request = _split(_payload(letter))
        if payload:
            request = options.json_object(payload, "--input")
        started = await start(connected, Start(workflow, request, "requeued", detach=True))
        # Started first: a crash in between leaves a letter too many, never one lost.
        await letters.move(letter_id, "requeued")
        announce(connected, started)
    if json:
        console.emit({"id": letter_id, "state": "requeued", "run_id": started.run_id})
    else:
        console.out().print(started.run_id)
    return Exit.OK


async def drop(letter_id: LetterId, json: options.Json = False) -> Exit:
    """Put a refused input aside for good; it stays readable."""
    async with opened(Settings.load()) as database:
        letters = DeadLetters(database)
        _need_open(await letters.get(letter_id))
        await letters.move(letter_id, "dropped")
    if json:
        console.emit({"id": letter_id, "state": "dropped"})
    else:
        console.out().print(f"dropped {letter_id}")
    return Exit.OK


def _need_open(letter: DeadLetter) -> None:
    if letter.state != "open":
        raise CommandError(f"dead letter {letter.id!r} was {letter.state} already")


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
