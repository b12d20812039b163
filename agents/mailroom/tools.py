"""Letters in a folder, and mails that go into a file beside it, one line each."""

import asyncio
import fcntl
import json
import re
from pathlib import Path
from typing import Any

from agents.toolkit import ToolContext, ToolError, tool

OUTBOX = "outbox.jsonl"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@tool(effect="read", source="outside", result_bytes=6_000)
async def read_letter(context: ToolContext, name: str) -> str:
    """Read a letter.

    Args:
        context: Of the call; names the folder.
        name: The letter's file, for example 0017.txt.
    """
    return await asyncio.to_thread(_letter, context, name)


@tool(effect="read", source="outside")
async def letter_fields(context: ToolContext, name: str) -> dict[str, Any]:
    """Read a letter as a form: its lines as numbered fields.

    Args:
        context: Of the call; names the folder.
        name: The letter's file.
    """
    lines = (await asyncio.to_thread(_letter, context, name)).splitlines()
    return {"name": name, "fields": {f"field_{n}": line for n, line in enumerate(lines, 1)}}


@tool(effect="read", source="ours", polling=True)
async def count_letters(context: ToolContext) -> int:
    """Count the letters that are there.

    Args:
        context: Of the call; names the folder.
    """
    return await asyncio.to_thread(lambda: sum(1 for _ in _folder(context).glob("*.txt")))


async def _sent(context: ToolContext) -> bool:
    return await asyncio.to_thread(_known, _folder(context) / OUTBOX, context.key)


@tool(effect="write", idempotent=True, reconcile=_sent)
async def send_mail(context: ToolContext, to: str, subject: str, body: str) -> str:
    """Send a mail.

    Args:
        context: Of the call; names the folder.
        to: One address.
        subject: One line.
        body: The text.
    """
    line = {"key": context.key, "run": context.run_id, "to": to, "subject": subject, "body": body}
    await asyncio.to_thread(_send, _folder(context) / OUTBOX, line)
    return f"sent to {to}"


def _folder(context: ToolContext) -> Path:
    folder = Path(context.data["letters"])
    if not folder.is_dir():
        raise ToolError(f"there is no folder {str(folder)!r}; start with --data letters=…")
    return folder


def _letter(context: ToolContext, name: str) -> str:
    path = _folder(context) / name
    if not _NAME.fullmatch(name) or not path.is_file():
        raise ToolError(f"there is no letter {name!r}")
    return path.read_text(encoding="utf-8", errors="replace")


def _send(path: Path, line: dict[str, str]) -> None:
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not _known(path, line["key"]):
            file.write(json.dumps(line) + "\n")


def _known(path: Path, key: str) -> bool:
    if not path.is_file():
        return False
    lines = path.read_text(encoding="utf-8").splitlines()
    return any(json.loads(line)["key"] == key for line in lines)
