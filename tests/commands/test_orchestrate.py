"""Reading a goal's file: every fault is one line that says what to do, before anything starts."""

from pathlib import Path
from typing import Any

import pytest

from agents.workers import cards
from commands.as_markdown import markdown
from commands.errors import Misuse
from commands.orchestrate import loaded
from commands.workers_page import page
from runtime.settings import PROJECT

LEDGER = "docs/examples/orchestrator/ledger.csv"
HEAD = "goal: g\ninputs: {account: '17'}\n"
DRILL = "worker: drill_worker, give: {name: x}"
FAULTS = {
    "goal: Field required": "inputs: {}",
    "tasks.0.id: Field required": f"{HEAD}tasks: [{{worker: drill_worker}}]",
    "surplus: Extra inputs are not permitted": f"{HEAD}surplus: 1",
    "expected a mapping of names to values": "- a\n- b",
    "it is nothing": "",
    "line 2, column 1: the key 'goal' is there twice": "goal: g\ngoal: h",
    "the alias or anchor 'a' is refused": "goal: g\nx: &a [1]\ny: *a",
    "it is nested too deeply": f"goal: {'[' * 90}{']' * 90}",
    "could not determine a constructor": "goal: !!python/object:os.system x",
    "expected ',' or '}'": "goal: {a: b",
    "wait for each other: 'a' needs 'b' needs 'a'": f"{HEAD}tasks:\n"
    f"- {{id: a, {DRILL}, needs: {{after: b}}}}\n- {{id: b, {DRILL}, needs: {{after: a}}}}",
    "for the worker 'nobody'": f"{HEAD}tasks: [{{id: a, worker: nobody}}]",
    "there is no worker 'nobody'": f"{HEAD}workers: [nobody]",
    "needs 'lost', which nothing gives": f"{HEAD}tasks:\n"
    f"- {{id: a, {DRILL}, needs: {{after: lost}}}}",
    "a and b write the same output 'o'": f"{HEAD}tasks:\n"
    f"- {{id: a, {DRILL}, output: o}}\n- {{id: b, {DRILL}, output: o}}",
    "is about 'lost', which nothing gives": f"{HEAD}tasks: [{{id: a, {DRILL}}}]\n"
    "phases: [{name: one, holds: [{present: [lost]}]}]",
    "a rule has exactly one of": f"{HEAD}phases: [{{name: one, holds: [{{why: nothing}}]}}]",
    "is no file": "goal: g\ninputs: {ledger: {file: lost.csv}}",
    "inputs: Input should be a valid dictionary": "goal: g\ninputs: [1]",
}


def _written(folder: Path, text: str | bytes) -> Path:
    path = folder / "goal.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("said", FAULTS)
def test_a_faulty_goal_is_one_line_that_says_what_is_wrong(tmp_path: Path, said: str) -> None:
    """With the file, the fault, and that nothing was started."""
    with pytest.raises(Misuse) as refused:
        loaded(_written(tmp_path, FAULTS[said]), {})

    assert said in str(refused.value)
    assert "nothing was started" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_bomb_of_aliases_is_refused_at_once(tmp_path: Path) -> None:
    """Nine lines that would unfold to gigabytes."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]

    with pytest.raises(Misuse, match="is refused; write it out"):
        loaded(_written(tmp_path, "\n".join(lines)), {})


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"goal: \xff", "is not UTF-8 (byte 6)"), (b"goal: " + b"x" * 200_000, "200,000 are allowed")],
    ids=["bytes", "size"],
)
def test_a_file_that_is_no_text_of_ours_is_refused(
    tmp_path: Path, content: bytes, said: str
) -> None:
    """As are a folder, and a file that is not there."""
    for path in (tmp_path, tmp_path / "lost.yaml"):
        with pytest.raises(Misuse, match=r"is a folder|no such file"):
            loaded(path, {})

    with pytest.raises(Misuse) as refused:
        loaded(_written(tmp_path, content), {})

    assert said in str(refused.value)


def test_values_are_what_they_look_like(tmp_path: Path) -> None:
    """A day, a number with a leading zero and `no` are text; a number is a number."""
    text = "goal: g\ninputs: {day: 2024-01-02, id: 0123, answer: no, n: 3, x: 1.5, on: true}"

    goal, _ = loaded(_written(tmp_path, text), {})

    assert goal.inputs == {
        "day": "2024-01-02",
        "id": "0123",
        "answer": "no",
        "n": 3,
        "x": 1.5,
        "on": True,
    }


def test_inputs_of_the_command_line_take_their_places(tmp_path: Path) -> None:
    """A file's path is the goal's folder's in the goal, and the caller's on the command line."""
    (tmp_path / "l.csv").write_text("account_id,date,amount,balance\n")
    text = "goal: g\ninputs: {ledger: {file: l.csv}, account: '1'}"
    path = _written(tmp_path, text)

    kept, _ = loaded(path, {"account": "2"})
    given, _ = loaded(path, {"ledger": LEDGER, "more": "x"})

    assert kept.inputs == {"ledger": {"file": str(tmp_path / "l.csv")}, "account": "2"}
    assert given.files["ledger"] == str(Path(LEDGER).absolute())
    assert given.inputs["more"] == "x"
    with pytest.raises(Misuse, match="no column for account_id"):
        loaded(path, {"ledger": "README.md"})


@pytest.mark.parametrize("name", ["dossier", "troubles", "plan-me"])
def test_the_examples_are_goals_that_can_start(name: str) -> None:
    """They are what the page shows."""
    goal, _ = loaded(PROJECT / "docs" / "examples" / "orchestrator" / f"{name}.yaml", {})

    assert goal.goal


def test_the_page_of_the_workers_is_current() -> None:
    """Mend it with `make pages`."""
    written = (PROJECT / "docs" / "workers.md").read_text(encoding="utf-8")

    assert written == page(cards())


def test_any_output_is_markdown_that_a_person_reads() -> None:
    """Short facts as a list, rows as a table, sections as headings, long text as a paragraph."""
    value: dict[str, Any] = {
        "account": "17",
        "empty": "",
        "long": "word " * 30,
        "rows": [{"a": 1, "b": "x|y"}, {"a": None, "b": True}],
        "sections": [{"heading": "One", "text": "first"}],
        "points": ["p", "q"],
        "none": [],
    }

    shown = markdown(value, "Out come")

    assert shown.startswith("## Out come\n\n- account: 17\n\nword word")
    assert "### rows\n\n| a | b |\n| --- | --- |\n| 1 | x\\|y |\n|  | yes |" in shown
    assert "\n\n### One\n\nfirst\n\n### points\n\n- p\n- q\n\n### none\n\nnone" in shown
    assert "empty" not in shown
