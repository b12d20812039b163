"""A repair: what starts it, what its commands came to, what it remembers, what it comes to."""

from typing import Final, Literal

from pydantic import Field

from domain.contract import Contract
from domain.runs import RunRequest, RunResult, RunState

MOST_SECONDS: Final = 900.0
_MOST_SHOWN: Final = 12_000  # characters of a test run's output that a task carries


class CommandLimits(Contract):
    """What one command may use.

    Attributes:
        seconds: Of wall clock; then it is killed with all that it started.
        memory_mb: Of all its processes together, and of each one's data.
        processes: At once.
        file_mb: Of one file that it writes.
        output_bytes: Of its output that is kept; what is between beginning and end is left out.
    """

    seconds: float = Field(default=120, gt=0, le=MOST_SECONDS)
    memory_mb: int = Field(default=2_048, ge=16)
    processes: int = Field(default=256, ge=1)
    file_mb: int = Field(default=64, ge=1)
    output_bytes: int = Field(default=24_000, ge=1_000)


class Confinement(Contract):
    """How far a command was confined: what the system allowed, not what was wanted.

    Attributes:
        network: It had none but its own loopback.
        filesystem: It could change its own folder alone, and read programs and libraries.
        how: By which means, in words.
        refused: What the system refused, where a weaker level had to do.
    """

    network: bool = False
    filesystem: bool = False
    how: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


class CommandRun(Contract):
    """What a command came to.

    Attributes:
        code: Its exit code; None where it was killed.
        killed: Which limit it was killed at: time, memory, processes or output.
        dropped: Bytes of its output that were left out.
    """

    code: int | None
    killed: str = ""
    output: str = ""
    dropped: int = 0
    seconds: float = 0
    confined: Confinement = Confinement()

    @property
    def green(self) -> bool:
        """Whether it ended well."""
        return self.code == 0 and not self.killed


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
    copy_id: str
    place: str
    branch: str
    on: str = ""
    notes: tuple[str, ...] = ()


class PrepareRequest(Contract):
    """Which repository, and what its copy and branch are to be called."""

    repository: str
    test: str
    copy_id: str
    branch: str
    allow_dirty: bool = False


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
    left: bool = False


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
