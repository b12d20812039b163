"""What kept a run on course, as its result and its page tell it."""

from commands.course import told
from commands.pages import run_page
from domain.loops import Loop, Turned
from domain.near import Near
from domain.rejections import Rejection
from domain.run import AgentResult
from domain.taint import Taint

RESULT = AgentResult(
    agent="tester",
    tainted=(Taint(source="read_mail", turn=2),),
    rejections=(Rejection(by="rules", what="refund {}", reason="needs a lookup", turn=3),),
    loops=(Turned(kind=Loop.REPEAT, tools=("look",), step="backtrack", turn=1),),
    near=Near(budget="tokens", share=0.82, then="simplify", turn=4),
    degraded=("search was not there: archive answered",),
)


def test_each_mechanism_says_when_it_did_what() -> None:
    """In the order of turns; what has no turn comes last."""
    assert told(RESULT) == [
        (
            "turn 1, loops: went in circles (repeat: look); the repetitions were taken out of "
            "the conversation"
        ),
        "turn 2, taint: read strangers' words from read_mail: content from outside",
        "turn 3, rules: refused refund {}: needs a lookup",
        "turn 4, budget: 82% of its tokens were used; it was told to answer with what it had",
        "without: search was not there: archive answered",
    ]


def test_the_runs_page_shows_them() -> None:
    """Under a heading of their own; a run that nothing had to hold has none."""
    page = run_page(RESULT, None)

    assert "What kept it on course" in page
    assert "needs a lookup" in page
    assert "What kept it on course" not in run_page(AgentResult(agent="tester"), None)
