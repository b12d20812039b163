"""The repair agent's tools: all of them see the working copy, and nothing else.

Where the copy is, which commit it is of and how its tests are run is the run's data: the model
neither sees nor sets it.
"""

import asyncio
import json
from typing import Annotated, Final

from pydantic import Field
from sqlalchemy.exc import IntegrityError

from agents.confine.run import ConfineError
from agents.repair.copy import Copy, PatchError, limits_of, run_tests
from agents.repair.git import GitError
from agents.repair.journal import Journal
from agents.repair.words import told
from agents.toolkit import ToolContext, ToolError, ToolUnavailableError, tool
from domain.command import MOST_SECONDS
from domain.contract import Contract
from domain.repair import Edit

_MOST_FILES: Final = 400
_MOST_HITS: Final = 80
_MOST_LINE: Final = 300


class Edited(Contract):
    """An edit that was made.

    Attributes:
        edits: How many the copy has now.
    """

    path: str
    edits: int


def _journal(context: ToolContext) -> Journal:
    if not context.database:
        raise ToolError("there is no database to keep edits in: set HOLDFAST_DATABASE_URL")
    return Journal(context.database, context.data["copy"])


async def _copy(context: ToolContext) -> Copy:
    return Copy(
        context.data["repository"],
        context.data["commit"],
        await _journal(context).edits(),
        context.data.get("tests_too") == "yes",
    )


@tool(effect="read", source="outside", kind="processing", timeout=120)
async def repo_list(context: ToolContext, folder: str = "") -> str:
    """List the files of the repository.

    Args:
        context: The copy.
        folder: Only files below it; empty for all.
    """
    copy = await _copy(context)
    try:
        paths = sorted({*await asyncio.to_thread(copy.files), *(e.path for e in copy.edits)})
    except GitError as error:
        raise ToolError(str(error)) from None
    below = f"{folder.strip('/')}/" if folder.strip("/.") else ""
    found = [path for path in paths if path.startswith(below)]
    more = f"\n[{len(found) - _MOST_FILES} more; name a folder]" if len(found) > _MOST_FILES else ""
    return "\n".join(found[:_MOST_FILES]) + more if found else f"no file is below {folder!r}"


@tool(effect="read", source="outside", kind="processing", timeout=120)
async def repo_read(
    context: ToolContext,
    path: str,
    start: Annotated[int, Field(ge=1)] = 1,
    lines: Annotated[int, Field(ge=1, le=1_000)] = 400,
) -> str:
    """Read a file. Each line is shown after its number and a tab.

    Args:
        context: The copy.
        path: Of the file, as repo_list shows it.
        start: The first line to show.
        lines: How many.
    """
    copy = await _copy(context)
    try:
        text = await asyncio.to_thread(copy.read, path)
    except (PatchError, GitError) as error:
        raise ToolError(str(error)) from None
    every = text.splitlines()
    shown = every[start - 1 : start - 1 + lines]
    end = start - 1 + len(shown)
    more = f"\n[{len(every) - end} more lines; go on with start={end + 1}]" * (end < len(every))
    return "\n".join(f"{start + n}\t{line}" for n, line in enumerate(shown)) + more


@tool(effect="read", source="outside", kind="processing", timeout=120)
async def repo_search(context: ToolContext, text: Annotated[str, Field(min_length=1)]) -> str:
    """Find a text in all files. Each hit is shown as path:line: text.

    Args:
        context: The copy.
        text: What to find, literally.
    """
    copy = await _copy(context)
    try:
        texts = await asyncio.to_thread(copy.texts)
    except (PatchError, GitError) as error:
        raise ToolError(str(error)) from None
    hits = [
        f"{path}:{number}: {line.strip()[:_MOST_LINE]}"
        for path, content in texts.items()
        for number, line in enumerate(content.splitlines(), 1)
        if text in line
    ]
    more = f"\n[{len(hits) - _MOST_HITS} more hits]" if len(hits) > _MOST_HITS else ""
    return "\n".join(hits[:_MOST_HITS]) + more if hits else f"{text!r} is in no file"


@tool(effect="read", source="outside", kind="command", timeout=MOST_SECONDS + 60, polling=True)
async def repo_test(context: ToolContext) -> str:
    """Run the tests on the copy as it is now, edits included.

    Args:
        context: The copy, and how its tests are run.
    """
    data, copy = context.data, await _copy(context)
    readable = json.loads(data.get("readable") or "[]")
    limits = limits_of(data.get("limits", ""))
    try:
        ran = await run_tests(copy, data["place"], data["test"], limits, readable)
    except (PatchError, GitError) as error:
        raise ToolError(str(error)) from None
    except ConfineError as error:
        raise ToolUnavailableError(str(error)) from None
    return told(ran, limits)


@tool(effect="write", kind="processing", timeout=120, idempotent=True, compensate="repo_revert")
async def repo_edit(context: ToolContext, path: str, old: str, new: str) -> Edited:
    """Replace a text of a file by another, on the copy.

    Args:
        context: The copy.
        path: Of the file, as repo_list shows it.
        old: The text to replace, exactly, without line numbers; it must be there once.
            Empty to make a new file.
        new: What comes in its place.
    """
    journal = _journal(context)
    edit = Edit(path=path, old=old, new=new)
    if not await journal.has(context.key):
        copy = await _copy(context)
        try:
            await asyncio.to_thread(copy.with_edit, edit)
        except (PatchError, GitError) as error:
            raise ToolError(str(error)) from None
        await _note(journal, context.key, edit)
    return Edited(path=path, edits=len(await journal.edits()))


@tool(effect="write", kind="processing", timeout=120, idempotent=True)
async def repo_revert(context: ToolContext, path: str, old: str, new: str) -> Edited:
    """Take back an edit that was made with the same path, old and new text.

    Args:
        context: The copy.
        path: As in the edit.
        old: As in the edit.
        new: As in the edit.
    """
    journal = _journal(context)
    edit = Edit(path=path, old=old, new=new)
    if not await journal.has(context.key):
        copy = await _copy(context)
        try:
            await asyncio.to_thread(copy.without, edit)
        except (PatchError, GitError) as error:
            raise ToolError(str(error)) from None
        await _note(journal, context.key, edit, takes_back=True)
    return Edited(path=path, edits=len(await journal.edits()))


async def _note(journal: Journal, key: str, edit: Edit, *, takes_back: bool = False) -> None:
    try:
        await journal.add(key, edit, takes_back=takes_back)
    except IntegrityError as error:
        raise ToolUnavailableError(f"another edit was made at once: {error.orig}") from None
