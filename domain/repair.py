"""A repair: what starts it, what its commands came to, what it remembers, what it comes to."""

from typing import Any, Final, Literal

from pydantic import Field

from domain.command import CommandLimits, CommandRun, Confinement
from domain.contract import Contract, canonical
from domain.runs import RunRequest, RunResult, RunState

_NAMES_A_FOLDER: Final = r"^[0-9A-Za-z-]{1,64}$"
_MOST_SHOWN: Final = 12_000  # characters of a test run's output that a task carries


class Edit(Contract):
    """A text of a file that is replaced by another; without `old`, a new file."""

    path: str
    old: str
    new: str


def without_last(edits: list[Edit], edit: Edit) -> bool:
    """Take the last edit that is like `edit` out of `edits`; False where there is none."""
    for number in range(len(edits) - 1, -1, -1):
        if edits[number] == edit:
            del edits[number]
            return True
    return False


class RepairRequest(RunRequest):
    """Starts a repair. Every field has a default, so that `{}` is a refusal and not a crash.

    Attributes:
        repository: The top folder of a Git repository, absolute. It is not worked in.
        test: The command that says whether it is well, for `/bin/sh -c`.
        rounds: How often an agent may try before the repair gives up.
        command: What one run of the tests may use.
        readable: Paths outside the copy that the tests may read, for example a virtual
            environment.
        allow_dirty: Repair HEAD, without what is not committed.
        edit_tests: Tests may be changed too.
        state: Set by continue-as-new.
    """

    repository: str = ""
    test: str = ""
    rounds: int = Field(default=3, ge=1, le=20)
    command: CommandLimits = CommandLimits()
    readable: tuple[str, ...] = ()
    allow_dirty: bool = False
    edit_tests: bool = False
    state: "RepairState | None" = None


class Source(Contract):
    """What is repaired: a commit, and where the repair of it goes.

    Attributes:
        copy_id: Names the copy and its edits.
        place: Folder that the tests' folders are made in.
        branch: The new branch.
        notes: What a person should know of the copy.
    """

    repository: str
    commit: str
    copy_id: str = Field(pattern=_NAMES_A_FOLDER)
    place: str
    branch: str
    on: str = ""
    notes: tuple[str, ...] = ()


class PrepareRequest(Contract):
    """Which repository, and what its copy and branch are to be called."""

    repository: str
    test: str
    copy_id: str = Field(pattern=_NAMES_A_FOLDER)
    branch: str
    allow_dirty: bool = False


class ForgetRequest(Contract):
    """A repair whose copy is no longer needed.

    Attributes:
        run_id: The run; a branch of another's is left alone.
        branch_too: Remove the branch as well: the run did not end well.
    """

    source: Source
    run_id: str
    branch_too: bool = False


class Prepared(Contract):
    """A repository that can be repaired, or why it cannot."""

    source: Source | None = None
    refusal: str = ""


class VerifyRequest(Contract):
    """A copy whose tests are to be run, on its own files and nothing else."""

    source: Source
    test: str
    command: CommandLimits
    readable: tuple[str, ...] = ()
    edit_tests: bool = False


class Verified(Contract):
    """What the tests say of a copy, and how it differs from the commit.

    Attributes:
        ending: How the command ended, in words.
        unusable: Why the command says nothing about the code; empty where it does.
        tree: Id of the tree that the tests ran on.
    """

    ran: CommandRun
    ending: str
    unusable: str = ""
    diff: str = ""
    tree: str = ""
    files: tuple[str, ...] = ()


class Round(Contract):
    """One try of the agent, and what the tests said of it.

    Attributes:
        outcome: Of the agent's run.
        title: One line on what it did.
        ending: How the tests ended on what it left.
        green: They pass.
    """

    number: int
    run_id: str
    outcome: str
    title: str = ""
    diagnosis: str = ""
    ending: str = ""
    green: bool = False
    files: tuple[str, ...] = ()


Verdict = Literal["", "green", "flaky", "repaired", "proposed", "not_repaired"]


class RepairState(RunState):
    """All that a repair remembers.

    Attributes:
        before: The tests on the commit as it is.
        after: The tests on the copy as the last round left it.
    """

    source: Source | None = None
    before: Verified | None = None
    after: Verified | None = None
    rounds: list[Round] = Field(default_factory=list[Round])
    verdict: Verdict = ""
    branch: str = ""
    commit: str = ""


class RepairResult(RunResult):
    """What a repair came to.

    Attributes:
        verdict: `green`: nothing was wrong; `flaky`: the tests pass now without a change;
            `repaired`: committed to `branch`; `proposed`: it mends, and was not committed;
            `not_repaired`: no round mended it.
        base: The commit that was repaired.
        branch: Where the repair is; empty where nothing was committed.
        before: How the tests ended on the commit.
        after: How they ended on the copy.
        output: The end of what they printed last.
        diff: What mends it.
        confined: What of the confinement was in force.
        notes: What a person should know of the copy.
    """

    verdict: Verdict = ""
    repository: str = ""
    test: str = ""
    base: str = ""
    branch: str = ""
    commit: str = ""
    before: str = ""
    after: str = ""
    output: str = ""
    diff: str = ""
    files: tuple[str, ...] = ()
    rounds: tuple[Round, ...] = ()
    confined: Confinement | None = None
    notes: tuple[str, ...] = ()


def shown(output: str) -> str:
    """Return the end of what a command printed, which says what went wrong."""
    cut = len(output) - _MOST_SHOWN
    return output if cut <= 0 else f"[… {cut} characters left out …]\n{output[cut:]}"


def branch_of(run_id: str) -> str:
    """Return the branch that a run's repair goes on."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in run_id)
    return f"holdfast/repair-{kept.removeprefix('repair-').strip('-') or 'run'}"


def round_task(request: RepairRequest, last: Verified, rounds: list[Round]) -> dict[str, Any]:
    """Return what an agent is told: how the tests end now, and what was tried before."""
    earlier = [
        {"title": each.title, "tests": each.ending, "files": list(each.files)} for each in rounds
    ]
    return {
        "test": request.test,
        "ending": last.ending,
        "output": shown(last.ran.output),
        "earlier": earlier,
        "tests_may_be_edited": request.edit_tests,
    }


def tool_data(request: RepairRequest, source: Source) -> dict[str, str]:
    """Return what the agent's tools know and its model neither sees nor sets."""
    return {
        "repository": source.repository,
        "commit": source.commit,
        "copy": source.copy_id,
        "place": source.place,
        "branch": source.branch,
        "test": request.test,
        "limits": canonical(request.command.model_dump()).decode(),
        "readable": canonical(list(request.readable)).decode(),
        "tests_too": "yes" if request.edit_tests else "no",
    }


def commit_message(test: str, rounds: list[Round]) -> str:
    """Return the commit's message: what each round that changed something says it mended."""
    useful = [each for each in rounds if each.files or each.green]
    title = next((each.title for each in reversed(useful) if each.title), "Mend the tests")
    told = "\n\n".join(each.diagnosis for each in useful if each.diagnosis)
    return f"{title[:72]}\n\n{told}\n\nTested with: {test}".replace("\r", "").strip()
