"""Text in the narrow column of the UI, and what its renderer does beyond Markdown."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import page
from domain.column import WIDTH, laid_out

TABLE = "| a | b |\n|:--|--:|\n| long cell | 1 |\n| x | 12.50 |"


@pytest.mark.requirement("C6:form")
@given(st.text())
def test_only_space_and_rules_are_changed(text: str) -> None:
    """No character of a text is lost or added but what pads a table."""
    padding = r"[\s|:\-]"

    assert re.sub(padding, "", laid_out(text)) == re.sub(padding, "", text)


@pytest.mark.requirement("C6:form")
@given(st.text(alphabet="ab \n", max_size=500))
def test_no_line_of_prose_is_wider_than_the_column(text: str) -> None:
    """A frame that does not wrap shows all of it."""
    assert all(len(line) <= WIDTH for line in laid_out(text).split("\n"))


@pytest.mark.requirement("C6:form")
def test_a_table_is_aligned() -> None:
    """Each column is as wide as its widest cell, figures to the right."""
    assert laid_out(f"before\n{TABLE}\nafter").split("\n") == [
        "before",
        "| a         |     b |",
        "| --------- | ----- |",
        "| long cell |     1 |",
        "| x         | 12.50 |",
        "after",
    ]


@pytest.mark.requirement("C6:form")
@pytest.mark.parametrize(
    "text",
    [
        "| no rule | under it |\n| x | y |",
        "| a | b |\n|--|--|\n| one cell |",
        f"| a | b |\n|--|--|\n| {'wide ' * 30}| x |",
        "| alone |",
    ],
)
def test_what_is_no_table_that_fits_is_left_as_lines(text: str) -> None:
    """Lines that look like a table and are none, or are too wide, are broken like others."""
    shown = laid_out(text)

    assert shown.replace("\n", "") == text.replace("\n", "")
    assert all(len(line) <= WIDTH for line in shown.split("\n"))


@pytest.mark.requirement("C6:escaped")
def test_a_plain_address_is_no_link() -> None:
    """The renderer makes links of addresses, formulas of dollars and fractions of 1/2."""
    shown = page.escape("http://evil.example ftp://e.x $a$ 1/2")

    assert shown == r"http\://evil\.example ftp\://e\.x \$a\$ 1&#47;2"


@pytest.mark.requirement("C6:escaped")
def test_characters_that_are_not_seen_are_spelled_out() -> None:
    """A text cannot be turned round, hidden, or be half a character; JSON stays the same JSON."""
    hidden = "pay \u202e001\u202c\x00\u200b\ud800"

    assert page.escape(hidden) == r"pay \[U\+202E\]001\[U\+202C\]\[U\+0000\]\[U\+200B\]\[U\+D800\]"
    assert page.inline(hidden).isprintable()
    block = page.code({"a": hidden}).split("\n")
    assert json.loads("".join(block[1:-1])) == {"a": hidden}
    assert all(line.isprintable() for line in block)


@pytest.mark.requirement("C6:escaped")
@pytest.mark.parametrize("text", ["", "`", "a `` b", "```", "a\n\nb", "`a`"])
def test_inline_code_is_one_line_that_its_content_cannot_close(text: str) -> None:
    """The ticks around it are more than any run of ticks inside it."""
    shown = page.inline(text)
    ticks = re.match("`+", shown)

    assert ticks is not None
    assert shown.endswith(ticks[0])
    assert "\n" not in shown
    inside = shown[len(ticks[0]) : -len(ticks[0])]
    assert max((len(run) for run in re.findall("`+", inside)), default=0) < len(ticks[0])
