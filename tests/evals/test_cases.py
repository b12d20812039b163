"""The cases that come along: enough of them, and readable."""

from pathlib import Path

import pytest

from agents.registry import agents, tools
from commands.errors import CommandError, Misuse
from commands.evals import cases as module
from commands.evals.cases import Expected, Inputs, evaluated, identity, load
from commands.evals.judging import labels
from commands.evals.stubs import sandboxed_tools

AGENTS = evaluated()


@pytest.mark.requirement("C6.4:cases")
@pytest.mark.parametrize("agent", AGENTS)
def test_an_agent_has_twenty_cases_and_hard_ones_among_them(agent: str) -> None:
    """Read by the library's own reader; each expects something of a tool or an answer."""
    found = load(agent).cases

    assert agent in agents()
    assert len(found) >= 20
    tags = {tag for case in found if case.metadata for tag in case.metadata.tags}
    assert tags & {"hard", "adversarial", "edge"}
    assert all(case.expected_output != Expected() for case in found)
    tasks = {str(case.inputs.model_dump()) for case in found}
    assert len(tasks) == len(found)


@pytest.mark.requirement("C6.4:stubbed")
def test_only_tools_that_there_are_run_in_a_folder() -> None:
    """A name in `sandboxed.txt` is a write of an agent's."""
    known = tools()

    assert all(known[name].spec.writes for name in sandboxed_tools())


@pytest.mark.requirement("C6.4:agreement")
def test_the_labels_are_many_and_of_both_kinds() -> None:
    """A judge that always says yes must not look good."""
    found = labels(Path(module.folder_of("judge")) / "labels" / "labels.yaml").labels

    assert len(found) >= 40
    assert 0.3 < sum(each.passes for each in found) / len(found) < 0.7


def test_cases_can_be_chosen_by_name_tag_and_number() -> None:
    """`--only` and `--quick`."""
    hostile = load("refunds", "adversarial").cases

    assert 0 < len(hostile) < len(load("refunds").cases)
    assert [str(case.name) for case in load("refunds", "one-cent").cases] == ["one-cent"]
    assert len(load("refunds", quick=5).cases) == 5
    with pytest.raises(Misuse, match="none of the"):
        load("refunds", "no such case")


def test_an_agent_without_cases_says_how_to_make_some() -> None:
    """And names those that have."""
    with pytest.raises(Misuse, match="eval add RUN"):
        load("bench")


def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown field, and no YAML at all."""
    monkeypatch.setattr(module, "AGENTS", tmp_path)
    file = tmp_path / "some" / "evals" / "cases.yaml"
    file.parent.mkdir(parents=True)

    file.write_text("cases: [{name: a, inputs: {tusk: x}}]")
    with pytest.raises(CommandError, match=r"cases.yaml.*tusk"):
        load("some")
    file.write_text("cases: [")
    with pytest.raises(CommandError, match="is no file of cases"):
        load("some")


def test_a_changed_case_is_another_one() -> None:
    """So that a baseline is not held against it."""
    one, other = Inputs(task="a"), Inputs(task="b")

    assert identity(one, Expected()) != identity(other, Expected())
    assert identity(one, Expected()) != identity(one, Expected(says=["x"]))
    assert identity(one, Expected()) == identity(Inputs(task="a"), Expected())
