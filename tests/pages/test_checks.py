"""What a run had checked, on its page and in its result."""

from datetime import UTC, datetime

import pytest

from commands.checked import told
from commands.pages.run import run_page
from domain.checkpoint import Checkpoint
from domain.run import AgentResult
from domain.selfcheck import Checked, Judged, Review, SelfChecks

CHECKS = SelfChecks(
    reviews=[
        Review(of="credit", verdict="revise", reason="<b>too much</b>", then="back", turn=2),
        Review(of="answer", verdict="none", reason="it is down", then="on", turn=3),
    ],
    claims=[
        Judged(claim="4900", question="How much?", finding="supported", then="stands", turn=3),
        Judged(claim="I-9", finding="unchecked", because="nobody", then="dropped", turn=3),
    ],
    unverified="",
    second=[Checked(tool="credit", when="effect", turn=2)],
    checkpoints=[
        Checkpoint(phase="read", wrong=("a is missing",), way="retry", at=datetime.now(UTC))
    ],
    escalated=1,
)


@pytest.mark.requirement("C5.2:account")
def test_a_page_shows_what_was_checked_as_text() -> None:
    """Every mechanism has its part; what a model wrote is no markup."""
    page = run_page(AgentResult(agent="billing", checks=CHECKS), None)

    assert "What it had checked" in page
    assert "&lt;b&gt;too much&lt;/b&gt;" in page
    assert "<b>too much" not in page
    assert "a is missing" in page
    assert "What it had checked" not in run_page(AgentResult(agent="billing"), None)


@pytest.mark.requirement("C5.2:account")
def test_a_result_says_in_lines_what_was_checked() -> None:
    """What holds is counted, what does not is told."""
    assert told(CHECKS) == [
        "critic on credit: revise, sent back: <b>too much</b>",
        "critic on answer: no verdict: it is down",
        "1 claims looked up and found to hold",
        "claim 'I-9' unchecked, taken out: nobody",
        "second check of credit: passed right before its effect",
        "phase 'read': sent back: a is missing",
        "a larger model was asked for 1 of the answers",
    ]
    assert told(None) == []
