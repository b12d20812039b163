"""Whom a halt concerns, and how it is told."""

from datetime import UTC, datetime

import pytest

from domain import page
from domain.halts import Concerned, Halt, keys, lifts, told
from domain.run import Stop

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WILD = Halt(id="1", scope="agent", name="clerk", reason="*it* went wild", by="olga", at=AT)
ALL = Halt(id="2", scope="all", at=AT)


@pytest.mark.requirement("C5.6:halt-scope")
def test_a_run_is_concerned_by_those_above_it() -> None:
    """Every part of its id up to a slash names one; a tenant that is not named is everybody's."""
    found = keys(Concerned(run_id="a/b/c", agent="clerk"))

    assert found == ("all:", "tenant:default", "agent:clerk", "run:a", "run:a/b", "run:a/b/c")
    assert keys(Concerned(run_id="", tenant="acme")) == ("all:", "tenant:acme")


@pytest.mark.requirement("C5.6:halt-audit")
def test_halts_are_told_in_one_line() -> None:
    """Who halted what, when and why, and the commands that lift it."""
    assert told((WILD, ALL)) == (
        "agent 'clerk' was halted by olga at 2026-03-01 12:00:00 UTC: *it* went wild; "
        "everything was halted at 2026-03-01 12:00:00 UTC"
    )
    assert lifts((WILD, ALL)) == (
        "`python starter.py unhalt agent clerk` and `python starter.py unhalt all`"
    )


@pytest.mark.requirement("C5.6:halt-audit")
def test_a_halted_runs_page_says_what_to_do() -> None:
    """Foreign words are escaped, the command is code, and only what helps is offered."""
    hint = f"it goes on by itself once that is lifted: {lifts((WILD,))}; abort ends it"
    stop = Stop(step="llm.think", reason=told((WILD,)), hint=hint, at=AT, halted=True)

    shown = page.stop(stop, ("retry", "abort"), AT.replace(year=2027))

    assert "### Halted before: asking the model" in shown
    assert r"\*it\* went wild" in shown
    assert "lifted: `python starter.py unhalt agent clerk`; abort ends it" in shown
    assert "Still halted on 2027-03-01" in shown
    assert "`skip`" not in shown
