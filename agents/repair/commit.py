"""Putting an approved diff on a new branch: the one thing a repair does to the repository.

What is committed is what was approved: the diff is applied to the commit that the person saw,
and the tree that comes of it must be the one that the tests passed on. No hook runs, and neither
the working tree nor HEAD is touched.
"""

import asyncio

from agents.repair import patch
from agents.repair.git import GitError, git
from agents.repair.patch import KEY, RUN
from agents.toolkit import Proposal, ToolContext, ToolError, tool
from domain.contract import Contract


class Committed(Contract):
    """A repair as it stands in the repository."""

    branch: str
    commit: str
    key: str


async def was_committed(context: ToolContext) -> bool | None:
    """Say whether a commit with this call's key is on the branch; None where Git cannot say."""
    repository, branch = context.data.get("repository", ""), context.data.get("branch", "")
    try:
        return bool(await asyncio.to_thread(_standing, repository, branch, context.key))
    except (GitError, OSError):
        return None


def is_what_was_tested(proposal: Proposal) -> str:
    """Let a change pass to the run's own branch and commit, that gives the tree that was tested."""
    told, data = proposal.arguments, proposal.data
    if told["branch"] != data["branch"] or told["base"] != data["commit"]:
        return "branch and base are the run's and cannot be changed"
    try:
        made = patch.tree_of(data["repository"], data["commit"], told["diff"])
    except GitError as error:
        return str(error)
    tested = told["tree"]
    wrong = f"the diff gives the tree {made[:12]}, not {tested[:12]}: it is not what was tested"
    return "" if made == tested else wrong


@tool(
    effect="irreversible",
    kind="processing",
    timeout=120,
    attempts=5,
    idempotent=True,
    reconcile=was_committed,
    second_check=is_what_was_tested,
)
async def repo_commit(
    context: ToolContext, *, branch: str, base: str, tree: str, message: str, diff: str
) -> Committed:
    """Commit a repair to a new branch of the repository.

    Args:
        context: The repository, and the call's key.
        branch: Its name; it must not exist.
        base: The commit that the diff is for.
        tree: The tree that the diff gives, on which the tests have passed.
        message: Of the commit.
        diff: The change, as Git writes it.
    """
    repository = context.data["repository"]
    if branch != context.data["branch"] or base != context.data["commit"]:
        raise ToolError("branch and base are the run's and cannot be changed; nothing was done")
    try:
        commit = await asyncio.to_thread(_commit, context, tree, message, diff)
    except GitError as error:
        raise ToolError(f"{error}; nothing was committed to {repository!r}") from None
    return Committed(branch=branch, commit=commit, key=context.key)


def _commit(context: ToolContext, tree: str, message: str, diff: str) -> str:
    repository, key = context.data["repository"], context.key
    branch, base = context.data["branch"], context.data["commit"]
    if standing := _standing(repository, branch, key):
        return standing
    if patch.tip(repository, branch):
        raise GitError(f"branch {branch!r} is there already, and is not this repair's")
    made = patch.tree_of(repository, base, diff)
    if made != tree:
        raise GitError(
            f"the diff gives the tree {made[:12]} and the tests passed on {tree[:12]}: it is not "
            "what was tested"
        )
    patch.tree_of(repository, base, diff, keep=True)
    text = f"{message.strip()}\n\n{RUN}: {context.run_id}\n{KEY}: {key}\n"
    return patch.commit_on(repository, branch, base, tree, text)


def _standing(repository: str, branch: str, key: str) -> str:
    """Return the commit on the branch if it was made with `key`."""
    git(repository, "rev-parse", "--git-dir")  # a repository that is gone must not say no
    commit = patch.tip(repository, branch)
    return commit if commit and patch.trailers(repository, commit).get(KEY) == key else ""
