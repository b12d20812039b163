"""Foreign text on the page is shown and not obeyed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from domain import page
from domain.run import Stop
from tests.domain.given import NOW, question

HOSTILE = [
    "# a heading\n## another", "[link](http://evil)", "![image](http://evil/x.png)",
    "```\n# out of the fence\n```", "````\nstill in\n````", "<script>alert(1)</script>",
    "| a | b |\n|---|---|\n| 1 | 2 |", "**bold** _em_ `code`", "http://evil.example/click",
    "- [x] done\n1. one", "&lt;b&gt; &amp; &#35;", "text\n===\nmore\n---", "> quoted",
    "~~~\nx\n~~~",
    "\\[a](b)", "<http://evil>", "[a]: http://evil\n[a]",
]  # fmt: skip


def shown(text: str) -> list[str]:
    """Return the kinds of Markdown that a reader's renderer makes of `text`."""
    found: list[str] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        found.append(token.type)
        found += [child.type for child in token.children or []]
    return found


@pytest.mark.requirement("C6:escaped")
@pytest.mark.parametrize("text", [*HOSTILE, "1. one", "www.evil.example", "_em_ __strong__"])
def test_a_summary_has_nothing_that_could_be_obeyed(text: str) -> None:
    """It is shown as Markdown on one page and as it stands on another: plain words in both."""
    kinds = set(shown(page.plain(text)))

    assert kinds <= {"paragraph_open", "inline", "text", "paragraph_close"}


@pytest.mark.requirement("C6:escaped")
@pytest.mark.parametrize(
    "text", ["classify T-1006", "account 12, 1995-03-04", 'ask_refunds {"order_id":"A-17"}']
)
def test_a_plain_summary_is_shown_as_it_is(text: str) -> None:
    """No backslash stands where nothing had to be escaped."""
    assert page.plain(text) == text


@pytest.mark.requirement("C6:escaped")
@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_is_shown_and_not_obeyed(text: str) -> None:
    """Titles, reasons and plans stay one paragraph of plain text."""
    kinds = set(shown(page.escape(text)))

    assert kinds <= {"paragraph_open", "inline", "text", "text_special", "paragraph_close"}


@pytest.mark.requirement("C6:escaped")
@pytest.mark.parametrize("text", HOSTILE)
def test_arguments_cannot_leave_their_block(text: str) -> None:
    """The form has its own headings and no others; arguments are code, whatever they hold."""
    plain = question(arguments={"item": "plain", "more": "a\nb"}, request="r", done=("d",))
    hostile = plain.model_copy(
        update={
            "arguments": {"item": text, "more": f"a\n{text}"},
            "request": text,
            "done": (text,),
            "title": text,
            "why": text,
        }
    )

    kinds = shown(page.question(hostile))

    assert "link_open" not in kinds
    assert "image" not in kinds
    assert "html_block" not in kinds
    for kind in ("heading_open", "fence", "table_open", "list_item_open", "hr"):
        assert kinds.count(kind) == shown(page.question(plain)).count(kind)


@pytest.mark.requirement("C6:escaped")
@given(text=st.text(alphabet="`~#\n a*[]()<>!|-=", max_size=200))
def test_no_text_closes_the_fence_around_it(text: str) -> None:
    """A block of code is one block, however many backticks are in it."""
    kinds = [token.type for token in MarkdownIt("commonmark").parse(page.code({"a": text}))]

    assert kinds == ["fence"]


@pytest.mark.requirement("C6:escaped")
def test_a_stop_is_escaped_and_says_what_to_send() -> None:
    """A provider's words are foreign too."""
    stopped = Stop(step="llm.think", reason="# 401 [x](http://evil)", hint="mend *it*", at=NOW)

    text = page.stop(stopped, ("retry", "abort"), NOW)

    assert "retry" in text
    assert "abort" in text
    assert "link_open" not in shown(text)
    assert shown(text).count("heading_open") == 1


@pytest.mark.requirement("C6:escaped")
def test_a_page_is_bounded() -> None:
    """However much a model writes, a form stays readable."""
    huge = question(
        arguments={"a": "x" * 10**6, "b": "y\n" * 10**5},
        request="z" * 10**6,
        done=("w" * 10**6,) * 9,
    )

    assert len(page.question(huge)) < 30_000
