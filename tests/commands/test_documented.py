"""What the pages tell people to type is understood, and what they show as code is code."""

import ast
import importlib
import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
import typer.main
import yaml
from typer._click.exceptions import UsageError  # the parent of what typer shows
from typer.core import TyperCommand, TyperGroup

from commands.groups import StartFirst
from runtime.settings import PROJECT
from starter import build

PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_TYPED = re.compile(
    r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\S*python3? )?starter\.py ([^\n]*)$", re.MULTILINE
)
_INLINE = re.compile(r"`(?:\S*python3? )?starter\.py ([^`\n]+)`")
# What an example leaves out of a call.
_LEFT_OUT = re.compile(
    r"(?<=[(,]\s)\s*\.\.\.(?=\s*[,)])|^ +\.\.\.(?=\n\))|(?<=\()…|(?<=,\s)…", re.MULTILINE
)
# Alternatives, parts that may be left out, tables.
_NO_COMMAND = re.compile(r"[|…\[│]|\.\.\.")
_STANDS_FOR = re.compile(r"'[A-Z][A-Z0-9_]*'|does not exist|is a directory")


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Yield language and text of each fenced block."""
    for found in _BLOCK.finditer(page.read_text("utf-8")):
        yield found[1], found[2]


def typed(page: Path) -> Iterator[tuple[str, bool]]:
    """Yield what stands behind `starter.py`, and whether it is typed or only named in a text."""
    for _, block in blocks(page):
        for line in _TYPED.findall(block.replace("\\\n", " ")):
            yield line.partition("  #")[0].partition(" > ")[0].rstrip(" &"), True
    for line in _INLINE.findall(page.read_text("utf-8")):
        yield line, False


def understood(program: TyperGroup, said: str, *, whole: bool = True) -> str:
    """Return what the command line would object to; empty: nothing.

    Args:
        program: The command line.
        said: What is typed behind its name.
        whole: Whether arguments may not be missing.
    """
    words = ["1" if re.fullmatch("[A-Z]", word) else word for word in shlex.split(said)]
    command: TyperCommand | TyperGroup = program
    try:
        while isinstance(command, TyperGroup):
            if not words:
                return ""
            if isinstance(command, StartFirst) and words[0] not in command.commands:
                words = ["start", *words]
            _, found, words = command.resolve_command(typer.Context(command), words)
            command = cast("TyperCommand | TyperGroup", found)
        command.make_context("starter.py", words)
    except UsageError as error:
        why = error.format_message()
        missing = not whole and why.startswith("Missing")
        return "" if missing or _STANDS_FOR.search(why) else why
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_is_one(page: Path) -> None:
    """The command is there, and takes these options and arguments."""
    program = cast("TyperGroup", typer.main.get_command(build()))

    wrong = {
        said: why
        for said, whole in typed(page)
        if not _NO_COMMAND.search(said) and (why := understood(program, said, whole=whole))
    }

    assert wrong == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_on_a_page_is_what_it_says(page: Path) -> None:
    """Python parses and imports what exists; JSON, YAML and TOML are read."""
    readers = {"json": json.loads, "yaml": yaml.safe_load, "toml": tomllib.loads}

    for language, text in blocks(page):
        if language == "python":
            _imports(_LEFT_OUT.sub("**{}", text))
        elif language in readers:
            _read(readers[language], text)


def _read(reader: Callable[[str], object], text: str) -> None:
    """Read a whole document, or what stands inside one's braces."""
    try:
        reader(text)
    except json.JSONDecodeError:
        reader(f"{{{text}}}")


def _file(node: ast.ImportFrom) -> str:
    return f"{str(node.module).replace('.', '/')}.py"


def _imports(text: str) -> None:
    try:
        tree = ast.parse(text)
    except SyntaxError:  # decorators that are shown by themselves
        tree = ast.parse(f"{text}\ndef decorated(): pass")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and f"# {_file(node)}" not in text:
            module = importlib.import_module(node.module)
            for name in node.names:
                assert hasattr(module, name.name), f"{node.module} has no {name.name}"


def test_what_is_not_understood_is_found() -> None:
    """The check itself: an unknown command, an unknown option, a missing argument."""
    program = cast("TyperGroup", typer.main.get_command(build()))

    assert "lst" in understood(program, "lst")
    assert "No such option" in understood(program, "list --sate FAILED")
    assert "Missing" in understood(program, "fork --step 3")
    assert understood(program, "fork RUN --step N") == ""
