"""The dossier's workers: figures that add up, rules that no answer talks its way around."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agents.auditor.ledger import prepare
from agents.dossier import tools
from agents.dossier.checks import account_was_asked, figures_were_shown
from agents.dossier.contracts import AccountProfile
from agents.dossier_writer import offline as writer
from agents.drill_worker import offline as drill
from agents.offline import Conversation, Result
from agents.orchestrator import offline as planner
from agents.orchestrator.checks import plan_can_be_followed
from agents.toolkit import AnswerToCheck, Tool, ToolContext, ToolError
from agents.workers import cards
from domain.acting import CallMade
from domain.audit import LedgerSource
from domain.goals import Goal, Planned, PlanningTask
from domain.workers import WorkerAnswer
from runtime.settings import PROJECT

EXAMPLE = PROJECT / "docs" / "examples" / "orchestrator" / "ledger.csv"
HEAD = "trans_id,account_id,date,type,operation,amount,balance,k_symbol"


async def shown(tmp_path: Path, tool: Tool, account: str, ledger: Path = EXAMPLE) -> dict[str, Any]:
    """Return what a tool shows of an account."""
    path = prepare(LedgerSource(ledger=str(ledger)), tmp_path / "snapshots").path
    context = ToolContext(run_id="r", tenant="t", key="k", data={"ledger": path})
    return json.loads(await tool(context, {"account": account}))


def ledger(folder: Path, rows: list[str], more: str = "") -> Path:
    """Write a ledger of account 1."""
    path = folder / "ledger.csv"
    path.write_text("\n".join([HEAD + more, *rows]) + "\n")
    return path


@pytest.mark.parametrize("account", ["1708", "2977", "9380", "9527"])
async def test_the_figures_of_an_account_add_up(tmp_path: Path, account: str) -> None:
    """By kind, in and out, and in all parts of the dossier alike."""
    profile = await shown(tmp_path, tools.account_figures, account)
    partners = await shown(tmp_path, tools.account_partners, account)
    recurring = await shown(tmp_path, tools.account_series, account)
    odd = await shown(tmp_path, tools.account_oddities, account)

    assert sum(kind["bookings"] for kind in profile["kinds"]) == profile["bookings"]
    assert round(sum(kind["total"] for kind in profile["kinds"]), 2) == profile["net"]
    assert round(profile["received"] - profile["paid"], 2) == profile["net"]
    assert profile["bookings"] == partners["bookings"] == odd["bookings"]
    named = sum(partner["bookings"] for partner in partners["partners"])
    assert named + partners["without_name"] == profile["bookings"]
    salary = next(each for each in recurring["payments"] if "SALARY" in each["what"])
    assert (salary["direction"], salary["times"], salary["every_days"]) == ("in", 12, 31)


@pytest.mark.parametrize(("account", "breaks"), [("2977", 1), ("9527", 1), ("1708", 0)])
async def test_the_planted_faults_are_found_and_no_other(
    tmp_path: Path, account: str, breaks: int
) -> None:
    """The auditor's own screening says where a balance is not continued."""
    odd = await shown(tmp_path, tools.account_oddities, account)

    found = [each for each in odd["anomalies"] if each["kind"] == "balance"]
    assert len(found) == breaks


async def test_the_last_balance_is_found_inside_a_day(tmp_path: Path) -> None:
    """The rows of a day are in no order: 70 is where nothing starts from."""
    rows = [
        "1,1,2024-01-01,CREDIT,CASH,100,100,",
        "3,1,2024-01-02,DEBIT,CASH,10,70,",
        "2,1,2024-01-02,DEBIT,CASH,20,80,",
    ]

    profile = await shown(tmp_path, tools.account_figures, "1", ledger(tmp_path, rows))

    assert profile["final_balance"] == 70


async def test_what_is_unusual_is_a_size_or_a_gap(tmp_path: Path) -> None:
    """A rent ten times as high, and one that did not come in June."""
    rows = list[str]()
    balance = 0
    for month in [*range(1, 6), *range(7, 13)]:
        paid = 5_000 if month == 9 else 500 + month
        balance -= paid
        rows.append(f"{month},1,2024-{month:02}-03,DEBIT,OUT,{paid},{balance},RENT")

    odd = await shown(tmp_path, tools.account_oddities, "1", ledger(tmp_path, rows))

    found = {(each["kind"], each["day"], each["trans_id"]) for each in odd["anomalies"]}
    assert found == {("size", "2024-09-03", "9"), ("gap", "2024-06-03", "")}


async def test_partners_are_named_where_the_ledger_names_them(tmp_path: Path) -> None:
    """By a column for it, or by bank and account; a ledger without either names nobody."""
    row = "1,1,2024-01-01,CREDIT,IN,100,100,"
    paired = ledger(tmp_path, [f"{row},AB,77"], ",bank,account")

    by_pair = await shown(tmp_path, tools.account_partners, "1", paired)
    nobody = await shown(tmp_path, tools.account_partners, "1", ledger(tmp_path, [row]))

    assert (by_pair["named"], by_pair["partners"][0]["name"]) == (True, "AB 77")
    assert (nobody["named"], nobody["partners"], nobody["without_name"]) == (False, [], 1)


async def test_an_account_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """As is a run without a ledger."""
    with pytest.raises(ToolError, match='no account "1"'):
        await shown(tmp_path, tools.account_figures, "1")
    with pytest.raises(ToolError, match="without a ledger"):
        await tools.account_figures(ToolContext("r", "t", "k", {}), {"account": "1"})


# --- the rules

OUTPUT: dict[str, Any] = {
    "account": "17",
    "first_day": "2024-01-03",
    "last_day": "2024-06-30",
    "bookings": 84,
    "received": 1234.5,
    "paid": 1000.25,
    "net": 234.25,
    "lowest_balance": -5190.0,
    "highest_balance": 9000.0,
    "final_balance": 234.25,
    "kinds": [{"kind": "CREDIT, 84 of 84", "bookings": 84, "total": 234.25}],
}


def checked(output: Mapping[str, Any], result: str = json.dumps(OUTPUT)) -> AnswerToCheck:
    """Return an answer of a profiler to whom `result` was shown."""
    said = {"result": {"kind": "success", "output": output}}
    return AnswerToCheck(
        answer=WorkerAnswer[AccountProfile].model_validate(said),
        task=json.dumps({"input": {"account": "17"}}),
        made=(CallMade(tool="account_figures", arguments={"account": "17"}, text=result),),
    )


def test_figures_that_were_shown_pass() -> None:
    """As they stand, and rounded to whole ones."""
    rounded = {**OUTPUT, "kinds": [{"kind": "about 1,234 in", "bookings": 84, "total": 234.25}]}

    assert figures_were_shown(checked(OUTPUT)) == []
    assert figures_were_shown(checked(rounded)) == []
    assert account_was_asked(checked(OUTPUT)) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"paid": 1000.26}, "1000.26"),
        ({"bookings": 85}, "85"),
        ({"last_day": "2031-06-30"}, "2031"),
        ({"kinds": [{"kind": "in all 777.70", "bookings": 84, "total": 234.25}]}, "777.7"),
    ],
)
def test_figures_that_were_not_shown_are_refused(change: dict[str, Any], named: str) -> None:
    """Also inside a sentence, also the year of a day."""
    (told,) = figures_were_shown(checked({**OUTPUT, **change}))

    assert told.startswith(f"{named} is in no result")


def test_another_account_is_refused_and_other_answers_are_not_looked_at() -> None:
    """A failure or a question has no figures to hold against anything."""
    failure = WorkerAnswer[AccountProfile].model_validate(
        {"result": {"kind": "failure", "reason": "there were 999 of them"}}
    )

    (told,) = account_was_asked(checked({**OUTPUT, "account": "84"}))

    assert told == "account is '84'; the task is about '17'"
    assert figures_were_shown(AnswerToCheck(answer=failure, task="{}", made=())) == []


# --- the stand-ins, and the plan


def test_the_stand_in_plans_the_dossier_by_the_schemas_alone() -> None:
    """Every field joined to what has its name or its type; the plan passes its own rule."""
    named = ("dossier_profile", "dossier_partners", "dossier_recurring", "dossier_anomalies",
             "dossier_writer", "drill_worker")  # fmt: skip
    goal = Goal(goal="g", inputs={"account": "17", "ledger": {"file": "-"}})
    shown_cards = tuple(cards()[name].model_dump(mode="json") for name in named)
    task = PlanningTask(goal=goal, workers=shown_cards).model_dump_json(exclude_unset=True)

    said = planner.reply(Conversation(task=task))

    planned = Planned.model_validate_json(said.text)
    by_worker = {each.worker: each for each in planned.tasks}
    assert set(by_worker) == set(named) - {"drill_worker"}
    needs = {need.field: need.name for need in by_worker["dossier_writer"].needs}
    assert needs == {name: name for name in ("account", "profile", "partners", "recurring",
                                             "anomalies")}  # fmt: skip
    assert plan_can_be_followed(AnswerToCheck(answer=planned, task=task, made=())) == ()
    wrong = plan_can_be_followed(AnswerToCheck(answer=planned, task="write a poem", made=()))
    assert "no goal with workers" in wrong[0]


@pytest.mark.parametrize("task", ["", "{}", "[]", "write a poem"])
def test_the_stand_ins_fail_in_words_where_there_is_no_task(task: str) -> None:
    """They never break: a failure is one of the three answers."""
    for rules in (writer, drill):
        said = json.loads(rules.reply(Conversation(task=task)).text)

        assert said["result"]["kind"] == "failure"


def test_a_tool_error_is_the_workers_failure() -> None:
    """In the tool's own words."""
    from agents.dossier_profile import offline  # noqa: PLC0415

    conversation = Conversation(
        task=json.dumps({"input": {"account": "1"}}),
        results=[Result("account_figures", {}, "error: the ledger has no account")],
    )

    said = json.loads(offline.reply(conversation).text)

    assert said["result"] == {"kind": "failure", "reason": "the ledger has no account"}
