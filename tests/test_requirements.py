"""The table of promises and the tests that show them name each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.requirements import CORE, REQUIREMENTS

TESTS = Path(__file__).parent


def _marks(decorators: list[ast.expr]) -> Iterator[str]:
    for each in decorators:
        if isinstance(each, ast.Call) and ast.unparse(each.func) == "pytest.mark.requirement":
            yield from (str(ast.literal_eval(argument)) for argument in each.args)


def _named() -> Iterator[tuple[Path, str, list[str]]]:
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
                "test_"
            ):
                yield path.relative_to(TESTS), node.name, list(_marks(node.decorator_list))


def test_every_promise_has_a_test_and_every_test_a_promise() -> None:
    """Both directions: nothing is promised unshown, and no test of the core shows nothing."""
    named = list(_named())

    shown = {each for _, _, ids in named for each in ids}
    mute = [f"{path}::{name}" for path, name, ids in named if path.parts[0] in CORE and not ids]
    assert (shown - REQUIREMENTS.keys(), REQUIREMENTS.keys() - shown, mute) == (set(), set(), [])


@pytest.mark.parametrize("requirement", sorted(REQUIREMENTS))
def test_a_promise_is_a_sentence_with_a_source(requirement: str) -> None:
    """Its id carries a section, its behaviour is a sentence, its source is named."""
    promise = REQUIREMENTS[requirement]

    assert requirement.startswith("C")
    assert ":" in requirement
    assert promise.behaviour.endswith(".")
    assert promise.source
