"""A repair's own steps: look at the repository, test its copy, clear away.

All are idempotent: what they write is a folder for one command, removed with it, and the clearing
away. Nothing of the repository is written.
"""

import asyncio
import re
import shutil
from pathlib import Path
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeat import beating
from agents.confine.run import ConfineError, unconfinable
from agents.repair import git, patch
from agents.repair.copy import Copy, PatchError, run_tests
from agents.repair.git import GitError
from agents.repair.journal import Journal
from agents.repair.patch import RUN
from agents.repair.words import ending
from domain.command import CommandRun
from domain.repair import ForgetRequest, Prepared, PrepareRequest, Source, Verified, VerifyRequest

_NOT_RUN: Final = {126: "it cannot be executed", 127: "there is no such program"}
_NO_TESTS: Final = 5
_NONE_RAN: Final = re.compile(r"no tests ran|collected 0 items|NO TESTS RAN", re.IGNORECASE)


class RepairActivities:
    """What a repair does besides its agents' runs.

    Args:
        folder: Where the tests' folders are made.
        database: URL of Holdfast's database, for the edits.
    """

    def __init__(self, folder: Path, database: str) -> None:
        self._folder = folder
        self._database = database

    @activity.defn(name="repair.prepare")
    async def prepare(self, request: PrepareRequest) -> Prepared:
        """Say which commit is repaired, or why the repository cannot be."""
        if refusal := unfit(request.repository, request.test) or unconfinable():
            return Prepared(refusal=refusal)
        async with beating():
            try:
                return await asyncio.to_thread(self._prepared, request)
            except GitError as error:
                return Prepared(refusal=f"{request.repository!r} cannot be read: {error}")

    def _prepared(self, request: PrepareRequest) -> Prepared:
        found = git.look(request.repository, allow_dirty=request.allow_dirty)
        if found.refusal:
            return Prepared(refusal=found.refusal)
        return Prepared(
            source=Source(
                repository=found.top,
                commit=found.commit,
                copy_id=request.copy_id,
                place=str(self._folder / request.copy_id),
                branch=patch.free_branch(found.top, request.branch),
                on=found.branch,
                notes=found.notes,
            )
        )

    @activity.defn(name="repair.verify")
    async def verify(self, request: VerifyRequest) -> Verified:
        """Run the tests on the copy as its commit and its edits make it.

        Raises:
            ApplicationError: `CopyUnusable`: Git or the system refuses; tried again.
        """
        async with beating():
            source = request.source
            edits = await Journal(self._database, source.copy_id).edits()
            copy = Copy(source.repository, source.commit, edits, request.edit_tests)
            try:
                diff, tree = await asyncio.to_thread(copy.diff)
                ran = await run_tests(
                    copy, source.place, request.test, request.command, request.readable
                )
            except (GitError, PatchError, ConfineError) as error:
                raise ApplicationError(str(error), type="CopyUnusable") from None
        return Verified(
            ran=ran,
            ending=ending(ran, request.command),
            unusable=_unusable(request.test, ran),
            diff=diff,
            tree=tree,
            files=tuple(sorted({edit.path for edit in edits})),
        )

    @activity.defn(name="repair.forget")
    async def forget(self, request: ForgetRequest) -> str:
        """Remove the copy's folder and its edits, and a branch that must not stay.

        Returns:
            What could not be removed, in words; empty where nothing is left.
        """
        source = request.source
        async with beating():
            place = self._folder / source.copy_id
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
            await Journal(self._database, source.copy_id).clear()
            return await asyncio.to_thread(_withdraw, request) if request.branch_too else ""


def _withdraw(request: ForgetRequest) -> str:
    """Remove the branch, if it stands where this run put it."""
    source = request.source
    try:
        commit = patch.tip(source.repository, source.branch)
        if commit and patch.trailers(source.repository, commit).get(RUN) == request.run_id:
            patch.remove_branch(source.repository, source.branch, commit)
    except GitError as error:
        return f"branch {source.branch} was not removed: {error}"
    return ""


def unfit(repository: str, test: str) -> str:
    """Return what a repair's input lacks; empty for one that can be looked at."""
    if not repository:
        return 'no repository is named; give one: {"repository": "/path", "test": "command"}'
    if not Path(repository).is_absolute():
        return f"{repository!r} is not absolute; a worker does not know where it would begin"
    if not test.strip():
        return 'no test command is given; for example {"test": "python -m pytest -q"}'
    if "\0" in repository + test:
        return "the input has a NUL character"
    return ""


def _unusable(test: str, ran: CommandRun) -> str:
    """Return why a command says nothing about the code; empty where it does."""
    last = ran.output.strip().splitlines()[-1:]
    words = f": {last[0][:300]}" if last else ""
    if ran.code in _NOT_RUN:
        return f"the test command {test!r} could not be run: {_NOT_RUN[ran.code]}{words}"
    if ran.code == _NO_TESTS and _NONE_RAN.search(ran.output):
        return f"the test command {test!r} ran no test{words}"
    return ""
