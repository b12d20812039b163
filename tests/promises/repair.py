"""What repairs promise."""

from typing import Final

from tests.promises import Requirement

_PAGE: Final = "docs/repair.md"

PROMISES: Final[dict[str, Requirement]] = {
    "C4.7:repaired": Requirement(
        "A wrong operator, a missing import and an off-by-one are patched, verified, and committed "
        "on a branch after approval.",
        _PAGE,
    ),
    "C4.7:approved-bytes": Requirement(
        "What is committed is the diff that was approved, on the tree that the tests passed on.",
        _PAGE,
    ),
    "C4.7:untouched": Requirement(
        "Files, index, HEAD, branches and objects of the repository are as they were until a diff "
        "is approved; then a branch is new and nothing else.",
        _PAGE,
    ),
    "C4.7:nothing-left": Requirement(
        "A repair that is rejected, fails or is cancelled leaves no branch, worktree or file.",
        _PAGE,
    ),
    "C4.7:own-verdict": Requirement(
        "A repair believes the tests that it runs itself, not what the agent says of them.", _PAGE
    ),
    "C4.7:rounds": Requirement(
        "A repair gives up when its rounds are used up: outcome limit, with what was tried.", _PAGE
    ),
    "C4.7:green": Requirement(
        "Tests that pass already are nothing to repair: no model is asked.", _PAGE
    ),
    "C4.7:refused": Requirement(
        "A repository or a test command that cannot be worked with is refused, with the reason.",
        _PAGE,
    ),
    "C4.7:outside": Requirement(
        "A patch of a file outside the copy is refused, however it is spelled, and the model is "
        "told.",
        _PAGE,
    ),
    "C4.7:tests-kept": Requirement(
        "Tests are not edited unless whoever starts the repair allows it.", _PAGE
    ),
    "C4.7:edits": Requirement(
        "An edit is made once, replaces a text that is there once, and can be taken back.", _PAGE
    ),
    "C4.7:copy": Requirement(
        "The copy is the commit byte for byte and the recorded edits; what a test writes is not "
        "in it.",
        _PAGE,
    ),
    "C4.7:recovered": Requirement(
        "A copy whose folder is lost is made again, and no edit is made twice.", _PAGE
    ),
    "C4.7:dry-run": Requirement(
        "A dry run mends the copy, asks nobody, commits nothing and shows the diff.", _PAGE
    ),
    "C4.7:no-network": Requirement("A test command has no network but its own.", _PAGE),
    "C4.7:no-secrets": Requirement(
        "A test command sees none of the worker's environment, in its own or in /proc.", _PAGE
    ),
    "C4.7:own-folder": Requirement(
        "A test command can change its own folder alone, and not read a person's files.", _PAGE
    ),
    "C4.7:limits": Requirement(
        "A test command is killed with all that it started at its limit of time, memory, processes "
        "or output.",
        _PAGE,
    ),
    "C4.7:says-confined": Requirement(
        "The result says what of the confinement was in force, the lack of it too.", _PAGE
    ),
    "C4.7:rules": Requirement(
        "The offline stand-in finds small slips from the source and the output, by rule.", _PAGE
    ),
    "C4.7:crash": Requirement(
        "A killed worker costs a repair no answered model call, and no edit is made twice.", _PAGE
    ),
}
