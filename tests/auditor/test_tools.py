"""The auditor's tools and the rules over its answer."""

import json
from datetime import date
from pathlib import Path

import pytest

from agents.auditor.checks import CHECKS
from agents.auditor.filing import file_report, was_filed
from agents.auditor.spec import AGENT
from agents.auditor.tools import account_days, check_balance, ledger_query
from agents.registry import tools
from agents.toolkit import AnswerToCheck, Tool, ToolContext, ToolError, ToolUnavailableError
from domain.acting import CallMade
from domain.audit import AuditorAnswer, Finding, PreparedLedger
from runtime.database import Database
from runtime.filings import Filings
from tests.auditor.books import book, prepared, steady


@pytest.fixture
def ledger(tmp_path: Path) -> PreparedLedger:
    """An account of thirty days on whose tenth 30.00 too much is booked."""
    lines = [line for name in "abc" for line in steady(name, 30)]
    lines[9] = lines[9].replace(",100.00,", ",130.00,")
    return prepared(book(tmp_path, lines), tmp_path)


def context(ledger: PreparedLedger | None = None, *, database: str = "") -> ToolContext:
    """Return what a tool is given by the run."""
    data = {"ledger": ledger.path} if ledger else dict[str, str]()
    return ToolContext(run_id="run-1", tenant="t", key="key-1", data=data, database=database)


async def test_account_days_shows_bookings_and_what_they_imply(ledger: PreparedLedger) -> None:
    """Rows with the balance before each, in few bytes, and the query that made them."""
    text = await account_days(
        context(ledger), {"account_id": "a", "start": "2024-01-09", "end": "2024-01-11"}
    )

    shown = json.loads(text)
    assert len(text) < 1_000
    assert [dict(zip(shown["columns"], row, strict=True))["before"] for row in shown["rows"]] == [
        800.0, 870.0, 1000.0,
    ]  # fmt: skip
    again = json.loads(await ledger_query(context(ledger), {"sql": shown["query"]}))
    assert [row[0] for row in again["rows"]] == ["a-8", "a-9", "a-10"]


async def test_check_balance_names_the_loose_ends(ledger: PreparedLedger) -> None:
    """The balance that is left over and the one that nothing leads to, and what each would mean."""
    broken = json.loads(
        await check_balance(context(ledger), {"account_id": "a", "day": "2024-01-10"})
    )
    sound = json.loads(
        await check_balance(context(ledger), {"account_id": "b", "day": "2024-01-10"})
    )

    assert (broken["reached_not_left"], broken["left_not_reached"]) == ([900.0], [870.0])
    likely = {each["kind"]: each["likelihood"] for each in broken["if_undecided"]}
    assert likely["amount"] > likely["missing"]
    assert sound["adds_up"]


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        (account_days, {"account_id": "z", "start": "2024-01-01", "end": "2024-01-02"},
         "no account"),
        (account_days, {"account_id": "a", "start": "1999-01-01", "end": "1999-01-02"},
         "it has some"),
        (account_days, {"account_id": "a' OR 1=1 --", "start": "2024-01-01", "end": "2024-02-01"},
         "no account"),
        (check_balance, {"account_id": "a", "day": "1999-01-01"}, "no booking on 1999-01-01"),
        (ledger_query, {"sql": "DELETE FROM transactions"}, "only a single SELECT"),
    ],
)  # fmt: skip
async def test_a_tool_that_cannot_answer_says_what_can(
    ledger: PreparedLedger, tool: Tool, arguments: dict[str, str], said: str
) -> None:
    """Wrong accounts, empty days and writes are told in words that help, and are not retried."""
    with pytest.raises(ToolError, match=said):
        await tool(context(ledger), arguments)


async def test_a_run_without_a_ledger_is_told_so(tmp_path: Path) -> None:
    """A missing input is told to the model; a vanished snapshot stops the run for a person."""
    gone = PreparedLedger(
        path=str(tmp_path / "gone.db"), fingerprint="", name="", transactions=0, accounts=0
    )
    day = {"account_id": "a", "day": "2024-01-01"}

    with pytest.raises(ToolError, match="without a ledger"):
        await check_balance(context(), day)
    with pytest.raises(ToolUnavailableError, match="prepared ledger is gone"):
        await check_balance(context(gone), day)
    with pytest.raises(ToolUnavailableError, match="prepared ledger is gone"):
        await ledger_query(context(gone), {"sql": "SELECT 1"})


async def test_a_key_is_filed_once(database: Database) -> None:
    """The same key files once, whatever is sent the second time, and reconcile knows it."""
    url = database.url.render_as_string(hide_password=False)
    here = context(database=url)
    before = await was_filed(here)

    first = await file_report(here, {"title": "one", "body": "text"})
    second = await file_report(here, {"title": "two", "body": "other"})

    assert (before, await was_filed(here)) == (False, True)
    assert first == second
    filings = await Filings(database).of_run("run-1")
    assert [(filing.key, filing.title, filing.body) for filing in filings] == [
        ("key-1", "one", "text")
    ]


async def test_reconcile_does_not_guess(tmp_path: Path) -> None:
    """Where the filings cannot be read, it is not known whether a report was filed."""
    nowhere = context(database=f"sqlite:///{tmp_path}/none.db")

    assert await was_filed(nowhere) is None


async def test_an_empty_report_is_not_filed(database: Database) -> None:
    """A report without a title or a body is refused before anything is written."""
    here = context(database=database.url.render_as_string(hide_password=False))

    with pytest.raises(ToolError, match="nothing was filed"):
        await file_report(here, {"title": " ", "body": "text"})


def test_the_agent_fits_together() -> None:
    """Its tools are registered, filing is no tool of the model, and the schema is strict."""
    spec = AGENT.spec()

    assert {"account_days", "check_balance", "ledger_query", "file_report"} <= tools([AGENT]).keys()
    assert "file_report" not in spec.tool_names
    assert spec.answer_schema is not None
    assert spec.answer_schema["additionalProperties"] is False
    assert "context" not in "".join(tool.description for tool in spec.tools)


SQL = "SELECT 1"


def answered(**changes: object) -> AnswerToCheck:
    """Return an answer that all rules accept, but for `changes`."""
    finding = Finding(
        account_id="a", date=date(2024, 1, 2), trans_id="t1", kind="sign", recorded=1, expected=-1
    )
    answer = {
        "verdict": "finding",
        "finding": finding,
        "reason": "r",
        "evidence": [SQL],
        "confidence": 0.9,
    }
    checked = CallMade(
        tool="check_balance",
        arguments={"account_id": "a", "day": "2024-01-02"},
        text=json.dumps({"query": SQL, "if_undecided": [{"trans_id": "t1"}]}),
    )
    return AnswerToCheck(
        answer=AuditorAnswer.model_validate(answer | changes), task="", made=(checked,)
    )


def wrong(checked: AnswerToCheck) -> list[str]:
    """Return what the rules say."""
    return [sentence for check in CHECKS for sentence in check(checked)]


def test_a_proper_answer_passes() -> None:
    """A finding whose booking was seen, whose balance was checked, with evidence: no objection."""
    assert wrong(answered()) == []
    assert wrong(answered(verdict="no_finding", finding=None, evidence=[])) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"finding": None}, "there is none"),
        ({"verdict": "no_finding"}, "one is given"),
        ({"evidence": []}, "needs evidence"),
        ({"evidence": ["SELECT 2"]}, "was not queried in this run"),
        ({"finding": Finding(account_id="a", date=date(2024, 1, 3), trans_id="t1", kind="sign",
                             recorded=1, expected=-1)}, "call check_balance"),
        ({"finding": Finding(account_id="a", date=date(2024, 1, 2), trans_id="t9", kind="sign",
                             recorded=1, expected=-1)}, "that you have seen"),
    ],
)  # fmt: skip
def test_an_answer_without_grounds_goes_back(changes: dict[str, object], said: str) -> None:
    """Each rule names what is missing, so that the model can mend it."""
    assert any(said in sentence for sentence in wrong(answered(**changes)))
