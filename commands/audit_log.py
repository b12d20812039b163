"""`audit-log`: who did what, exported as a file that shows if anybody has changed it."""

import json as jsonlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from commands import console, options
from commands.audited.checked import Checked, check
from commands.audited.entry import LEFT_OUT, Entry, Span
from commands.audited.gather import gather
from commands.audited.sealed import lines
from commands.console import safe
from commands.errors import CommandError, Exit, Misuse
from commands.groups import group
from commands.session import session
from runtime.settings import Settings
from runtime.signing import PUBLIC, Checker, Signer, generate

_MOST: Final = 20

Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it.")]
Since = Annotated[
    str, typer.Option("--since", metavar="TIME", help="From then on: 2026-03-01, or with a time.")
]
Until = Annotated[str, typer.Option("--until", metavar="TIME", help="Before then; default: now.")]
OfTenant = Annotated[str, typer.Option("--tenant", help="Only this tenant's.")]
OfAgent = Annotated[str, typer.Option("--agent", help="Only this agent's runs.")]
Log = Annotated[Path, typer.Argument(metavar="FILE", help="What `export` has written.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key", metavar="FILE", help="The key it must be signed with; default: the house's own."
    ),
]
NewKey = Annotated[
    Path | None,
    typer.Argument(metavar="FILE", help="Where to; default: what HOLDFAST_SIGNING_KEY names."),
]


async def export(
    *,
    out: Out,
    since: Since = "",
    until: Until = "",
    tenant: OfTenant = "",
    agent: OfAgent = "",
    json: options.Json = False,
) -> Exit:
    """Write who started, asked, decided, did and stopped what, as signed JSON lines.

    Arguments and inputs are in it as hashes; questions and reasons as they were written.
    """
    span = Span(_moment("--since", since), _moment("--until", until), tenant, agent)
    if span.since and span.until and span.since >= span.until:
        raise Misuse(f"--since {since!r} is not before --until {until!r}")
    settings = Settings.load()
    signer = Signer.read(_key_of(settings))
    if out.exists():
        raise Misuse(f"--out {str(out)!r} is there already; an audit log is never written over")
    async with session(settings) as opened:
        found = await gather(opened, span)
        about = {"namespace": opened.client.namespace, "runs": found.runs}
    gaps = [entry for entry in found.entries if entry.kind == LEFT_OUT]
    _write(out, lines(found.entries, signer, span, about))
    if json:
        console.emit(_exported(out, found.entries, found.runs, gaps, signer.checker))
        return Exit.OK
    told = f"{len(found.entries):,} entries of {found.runs:,} runs"
    console.out().print(f"{out}: {told}, signed by {signer.checker.fingerprint}", soft_wrap=True)
    for gap in gaps[:_MOST]:
        console.warn(_told(gap))
    if len(gaps) > _MOST:
        console.warn(f"… and {len(gaps) - _MOST:,} more; each is a line of the file")
    return Exit.OK


async def verify(file: Log, *, key: KeyFile = None, json: options.Json = False) -> Exit:
    """Check that a log is as it was written: each line, their order, and that none is missing.

    Exit code 0: it is. 1: it is not, and what was done to which line is said.
    """
    checker = Checker.read(key or _public_of(Settings.load()))
    try:
        with file.open("rb") as opened:
            found = check(opened, checker)
    except OSError as error:
        raise Misuse(f"{str(file)!r}: {error.strerror}; expected an exported audit log") from None
    if json:
        console.emit(_verified(file, found, checker))
    else:
        _show(found, checker)
    return Exit.OK if found.holds else Exit.FAILED


async def keygen(file: NewKey = None, *, json: options.Json = False) -> Exit:
    """Make the key that logs are signed with, and its public half, which others check with."""
    path = file or _key_of(Settings.load())
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = generate(path)
    public = path.with_name(path.name + PUBLIC)
    if json:
        console.emit({"key": str(path), "public": str(public), "fingerprint": made.fingerprint})
        return Exit.OK
    console.out().print(f"{path}: private; keep it, and keep it to yourself", soft_wrap=True)
    console.out().print(f"{public}: public; {made.fingerprint}", soft_wrap=True)
    if file is not None:
        console.note(f"sign with it: export HOLDFAST_SIGNING_KEY={path}")
    return Exit.OK


def audit_log() -> typer.Typer:
    """Return the group of commands."""
    return group(
        "Who did what, as a signed file: export it, and check one.",
        {"export": export, "verify": verify, "keygen": keygen},
    )


def _key_of(settings: Settings) -> Path:
    """Return the file of the signing key.

    Raises:
        Misuse: None is named.
    """
    if settings.signing_key is None:
        raise Misuse(
            "HOLDFAST_SIGNING_KEY names no file; set it, and make a key once with "
            "`python starter.py audit-log keygen`"
        )
    return settings.signing_key


def _public_of(settings: Settings) -> Path:
    """Return the public half of the house's key, or the private one where that alone is there."""
    if settings.signing_key is None:
        raise Misuse(
            "which key must it be signed with? name the public one: --key FILE; "
            "a key that came with the log itself would prove nothing"
        )
    public = settings.signing_key.with_name(settings.signing_key.name + PUBLIC)
    return public if public.exists() else settings.signing_key


def _moment(option: str, given: str) -> datetime | None:
    """Return a moment; without a zone it is UTC.

    Raises:
        Misuse: It is none.
    """
    if not given:
        return None
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        raise Misuse(
            f"{option} {given!r} is no time; expected 2026-03-01 or 2026-03-01T12:00:00+00:00"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _write(path: Path, content: Iterator[bytes]) -> None:
    # Who decided what is not everybody's to read.
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(
            f"--out {str(path)!r}: {error.strerror}; name a file in a folder that exists"
        ) from None
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(content)


def _told(gap: Entry) -> str:
    run = f"run {gap.run_id}: " if gap.run_id else ""
    return f"left out: {run}{gap.fields['what']}: {gap.fields['why']}"


def _exported(
    out: Path, entries: list[Entry], runs: int, gaps: list[Entry], checker: Checker
) -> dict[str, Any]:
    return {
        "file": str(out.absolute()),
        "entries": len(entries),
        "runs": runs,
        "key": checker.fingerprint,
        "left_out": [{"run_id": gap.run_id, **gap.fields} for gap in gaps],
    }


def _verified(file: Path, found: Checked, checker: Checker) -> dict[str, Any]:
    return {
        "file": str(file.absolute()),
        "holds": found.holds,
        "key": checker.fingerprint,
        "signed_by": found.signed_by,
        "lines": found.lines,
        "entries": found.last.get("entries"),
        "left_out": found.last.get("left_out"),
        "since": found.first.get("since"),
        "until": found.first.get("until"),
        "wrong": [wrong._asdict() for wrong in found.wrong],
    }


def _show(found: Checked, checker: Checker) -> None:
    if found.holds:
        first, last = found.first, found.last
        told = f"{last['entries']:,} entries, signed by {checker.fingerprint}"
        console.out().print(f"[green]it is as it was written[/]: {told}")
        asked = {key: first.get(key) for key in ("since", "until", "tenant", "agent")}
        said = jsonlib.dumps({key: value for key, value in asked.items() if value})
        console.note(f"exported {first['at']}, asked for: {said if said != '{}' else 'everything'}")
        if last["left_out"]:
            console.warn(
                f"{last['left_out']:,} things were left out; its lines of that kind say why"
            )
        return
    for wrong in found.wrong[:_MOST]:
        console.err().print(f"[bold red]{wrong.fault}[/] {safe(wrong.told)}", soft_wrap=True)
    if len(found.wrong) > _MOST:
        console.err().print(f"… and {len(found.wrong) - _MOST:,} more: --json has them all")
