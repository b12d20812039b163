"""Repairs: tested, mended on a copy, tested again, approved, committed; or nothing is left."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from domain.runs import Outcome
from tests.fakes import answer, call, refused
from tests.workflows import broken
from tests.workflows.repairs import GIVE_UP, MEND, begin, ended, left, play
from tests.workflows.stage import Stage


@pytest.mark.requirement("C4.7:repaired", "C4.7:untouched", "C4.7:says-confined")
@pytest.mark.parametrize("kind", list(broken.BROKEN))
async def test_a_broken_repository_is_mended_on_a_branch(
    stage: Stage, tmp_path: Path, kind: str
) -> None:
    """Until the approval the repository has not changed at all; after it a branch is new."""
    files, test = broken.BROKEN[kind]
    repository = broken.repository(tmp_path / "repository", files)
    before = broken.snapshot(repository)
    await play(stage, tmp_path, broken.rules)
    handle = await begin(stage, repository, test=test, command={"seconds": 60})

    question = await stage.asked(handle)
    while_asked = broken.snapshot(repository)
    await handle.signal("approve", {"reason": "it is right"})
    result = await ended(stage, handle)

    after = broken.snapshot(repository)
    assert while_asked == before
    assert {name for name in after if after[name] != before[name]} == {"refs", "objects"}
    assert (result.outcome, result.verdict) == (Outcome.COMPLETED, "repaired")
    assert (result.before, result.after) == ("the tests fail: exit code 1", "the tests pass")
    shown = broken.git(repository, "show", "--full-index", "--format=", result.branch)
    assert shown.strip() == question["arguments"]["diff"].strip()
    assert broken.git(repository, "rev-parse", result.branch) == result.commit
    assert broken.git(repository, "rev-parse", f"{result.branch}~1") == result.base
    assert result.confined
    assert result.confined.how
    assert left(tmp_path) == []


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a wrong operator."""
    return broken.repository(tmp_path / "repository", broken.OPERATOR)


@pytest.mark.requirement("C4.7:nothing-left")
@pytest.mark.parametrize("way", ["reject", "abort", "cancel"])
async def test_a_repair_that_is_not_approved_leaves_nothing(
    stage: Stage, tmp_path: Path, repository: Path, way: str
) -> None:
    """No branch, no object, no file, no folder: the repository is as it was."""
    before = broken.snapshot(repository)
    await play(stage, tmp_path, broken.rules)
    handle = await begin(stage, repository)
    await stage.asked(handle)

    if way == "cancel":
        await handle.cancel()
        assert (await stage.closed(handle)).name == "CANCELED"
    else:
        await handle.signal(way, {"reason": "not like this"})
        result = await ended(stage, handle)
        assert (result.outcome, result.branch) == (Outcome.ABORTED, "")
        assert "not like this" in result.reason or way == "abort"

    assert broken.snapshot(repository) == before
    assert left(tmp_path) == []


@pytest.mark.requirement("C4.7:rounds", "C4.7:nothing-left", "C4.7:own-verdict")
async def test_a_repair_gives_up_when_its_rounds_are_used_up(
    stage: Stage, tmp_path: Path, repository: Path
) -> None:
    """Whatever the agent says of it: the tests still fail, and nothing is left."""
    before = broken.snapshot(repository)
    await play(stage, tmp_path, lambda _: GIVE_UP)

    result = await ended(stage, await begin(stage, repository, rounds=2))

    assert (result.outcome, result.verdict) == (Outcome.LIMIT, "not_repaired")
    assert [each.ending for each in result.rounds] == ["the tests fail: exit code 1"] * 2
    assert result.reason == "limit reached: rounds (2); the tests still fail"
    assert broken.snapshot(repository) == before
    assert left(tmp_path) == []


@pytest.mark.requirement("C4.7:own-verdict")
async def test_the_agents_word_counts_for_nothing(
    stage: Stage, tmp_path: Path, repository: Path
) -> None:
    """One that says `fixed` without a passing test is told; the run's own tests decide."""
    lie = answer(title="All is well", diagnosis="I am sure of it", fixed=True)
    truth = answer(title="Add the tax", diagnosis="It was taken off", fixed=False)
    await play(stage, tmp_path, [lie, MEND, truth])
    handle = await begin(stage, repository)

    await stage.asked(handle)
    await handle.signal("approve")
    result = await ended(stage, handle)

    assert "repo_test has not passed" in stage.provider.asked[1].said
    assert (result.verdict, result.rounds[0].green) == ("repaired", True)


@pytest.mark.requirement("C4.7:green")
async def test_tests_that_pass_are_nothing_to_repair(stage: Stage, tmp_path: Path) -> None:
    """Completed, with the verdict, and no model asked."""
    mended = broken.OPERATOR | {"prices.py": "def total(net, tax):\n    return net + tax\n"}
    repository = broken.repository(tmp_path / "well", mended)
    await play(stage, tmp_path, [])

    result = await ended(stage, await begin(stage, repository))

    assert (result.outcome, result.verdict) == (Outcome.COMPLETED, "green")
    assert "nothing to repair" in result.reason
    assert not stage.provider.asked
    assert left(tmp_path) == []


@pytest.mark.requirement("C4.7:refused")
@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"repository": ""}, "no repository is named"),
        ({"repository": "relative"}, "is not absolute"),
        ({"repository": "/nowhere/at/all"}, "is no folder"),
        ({"test": " "}, "no test command"),
        ({"test": "no-such-program"}, "there is no such program"),
        ({"test": "echo NO TESTS RAN; exit 5"}, "ran no test"),
    ],
)
async def test_what_cannot_be_repaired_is_refused(
    stage: Stage, tmp_path: Path, request_: dict[str, str], says: str
) -> None:
    """Rejected with the reason; no model is asked, and nothing is left."""
    repository = broken.repository(tmp_path / "repository", broken.OPERATOR)
    await play(stage, tmp_path, [])

    result = await ended(stage, await begin(stage, repository, **request_))

    assert result.outcome is Outcome.REJECTED
    assert says in result.reason
    assert not stage.provider.asked
    assert left(tmp_path) == []


@pytest.mark.requirement("C4.7:refused")
async def test_a_dirty_repository_is_refused_however_it_was_started(
    stage: Stage, tmp_path: Path, repository: Path
) -> None:
    """The command line asks the same before it starts anything."""
    (repository / "prices.py").write_text("changed")
    await play(stage, tmp_path, [])

    result = await ended(stage, await begin(stage, repository))

    assert result.outcome is Outcome.REJECTED
    assert "not committed (prices.py)" in result.reason


@pytest.mark.requirement("C4.7:limits", "C4.7:repaired")
async def test_tests_that_hang_are_killed_and_may_be_mended(stage: Stage, tmp_path: Path) -> None:
    """A loop without an end is a fault like others; the model is told of the limit."""
    hangs = broken.OPERATOR | {"prices.py": "def total(net, tax):\n    while True:\n        pass\n"}
    repository = broken.repository(tmp_path / "hangs", hangs)
    loop = "    while True:\n        pass\n"
    edit = call("repo_edit", path="prices.py", old=loop, new="    return net + tax\n")
    done = answer(title="End the loop", diagnosis="It never returned", fixed=False)
    await play(stage, tmp_path, [edit, done])
    handle = await begin(stage, repository, command={"seconds": 2})

    await stage.asked(handle)
    await handle.signal("approve")
    result = await ended(stage, handle)

    assert result.before == "killed: it did not end in its time limit of 2 s"
    assert "time limit of 2 s" in stage.provider.asked[0].messages[0].text
    assert result.verdict == "repaired"


@pytest.mark.requirement("C4.7:outside", "C4.7:tests-kept")
async def test_a_patch_outside_the_copy_is_refused_and_told(
    stage: Stage, tmp_path: Path, repository: Path
) -> None:
    """Nothing outside changes, and the model reads why."""
    before = broken.snapshot(repository)
    outside = ("../outside.py", str(tmp_path / "outside.py"), ".git/hooks/pre-commit")
    edits = [call("repo_edit", path=path, old="", new="print(1)\n") for path in outside]
    weaken = call("repo_edit", path="test_prices.py", old="119", new="81")
    await play(stage, tmp_path, [*edits, weaken, GIVE_UP])

    result = await ended(stage, await begin(stage, repository, rounds=1))

    told = stage.provider.asked[-1].results
    assert [text.startswith("error: ") for text in told] == [True] * 4
    assert "files of the copy only" in told[0]
    assert "is a test" in told[3]
    assert (result.diff, broken.snapshot(repository)) == ("", before)
    assert not (tmp_path / "outside.py").exists()


@pytest.mark.requirement("C4.7:dry-run")
async def test_a_dry_run_shows_the_diff_and_commits_nothing(
    stage: Stage, tmp_path: Path, repository: Path
) -> None:
    """Nobody is asked; the copy was mended all the same."""
    before = broken.snapshot(repository)
    await play(stage, tmp_path, broken.rules)

    result = await ended(stage, await begin(stage, repository, dry_run=True))

    assert (result.outcome, result.verdict) == (Outcome.COMPLETED, "proposed")
    assert "+    return net + tax" in result.diff
    assert (result.after, result.branch) == ("the tests pass", "")
    assert broken.snapshot(repository) == before


@pytest.mark.requirement("C4.7:approved-bytes", "C4.7:nothing-left")
async def test_a_diff_that_is_changed_at_the_gate_is_not_committed(
    stage: Stage, tmp_path: Path, repository: Path
) -> None:
    """Nobody has tested what a person types there; they are told, and the question stays open."""
    before = broken.snapshot(repository)
    await play(stage, tmp_path, broken.rules)
    handle = await begin(stage, repository)
    asked = (await stage.asked(handle))["arguments"]

    other = asked["diff"].replace("net + tax", "net + tax + 1")
    await handle.signal("modify", {"arguments": asked | {"diff": other}})
    status = await stage.until(handle, lambda status: status.ignored)
    await handle.signal("abort")
    result = await ended(stage, handle)

    assert result.outcome is Outcome.ABORTED
    assert "it is not what was tested" in status.ignored[0]
    assert broken.snapshot(repository) == before


@pytest.mark.requirement("C4.7:recovered")
async def test_a_lost_worker_and_a_lost_copy_cost_nothing(
    stage: Stage, tmp_path: Path, repository: Path
) -> None:
    """Both go between the edit and the test of it; the edit is there, once, and it goes on."""
    key = [True]
    done = answer(title="Add the tax", diagnosis="It was taken off", fixed=True)

    def script(asked: Any) -> Any:
        told = len(asked.results)
        if told == 1 and key:
            return refused()
        return (MEND, call("repo_test"), done)[told]

    await play(stage, tmp_path, script)
    handle = await begin(stage, repository)
    child = stage.client.get_workflow_handle(f"{handle.id}/round-1")
    await stage.until(handle, lambda status: status.tool == "round-1")
    await stage.stopped(child)
    await stage.stop()
    shutil.rmtree(tmp_path / "repairs", ignore_errors=True)
    await stage.serve()

    key.clear()
    await child.signal("retry")
    question = await stage.asked(handle)
    await handle.signal("approve")
    result = await ended(stage, handle)

    assert question["arguments"]["diff"].count("+    return net + tax") == 1
    assert result.verdict == "repaired"
    assert stage.provider.bought_twice == 0


@pytest.mark.requirement("C4.7:rounds")
async def test_a_second_round_knows_what_the_first_one_tried(
    stage: Stage, tmp_path: Path, repository: Path
) -> None:
    """Edits of a round stay for the next one, which is told of them."""
    first = call("repo_edit", path="notes.txt", old="", new="a note\n")
    done = answer(title="Add the tax", diagnosis="It was taken off", fixed=False)
    await play(stage, tmp_path, [first, GIVE_UP, MEND, done])
    handle = await begin(stage, repository)

    await stage.asked(handle)
    await handle.signal("approve")
    result = await ended(stage, handle)

    task = stage.provider.asked[2].messages[0].text
    assert '"files":["notes.txt"]' in task
    assert [each.green for each in result.rounds] == [False, True]
    assert result.files == ("notes.txt", "prices.py")
