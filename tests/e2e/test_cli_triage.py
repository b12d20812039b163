"""`triage`, `review` and `standing` as people run them, on the example that comes along."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from temporalio.client import Client, ScheduleActionExecutionStartWorkflow

from runtime.settings import PROJECT
from tests.e2e.cli import Cli

EXAMPLE = PROJECT / "docs" / "examples" / "triage"


@pytest.mark.timeout(120)
def test_the_example_runs_from_the_offer_to_the_review(cli: Cli) -> None:
    """Asked once, five sent alone, one answered by a person, one refused; then reviewed."""
    tenant = ("--tenant", "shop")
    begun = cli(
        "triage", str(EXAMPLE / "tickets.csv"), "--accounts", str(EXAMPLE / "accounts.csv"),
        "--id", "tri-demo", *tenant,
    )  # fmt: skip
    cli("approve", "tri-demo", "--by", "ann")
    waits = cli("watch", "tri-demo")
    rows = cli("triage", "tickets", "tri-demo", "--json", *tenant).json
    asked = {row["ticket"]: row["run_id"] for row in rows if row["ended"] == ""}
    cli("reject", asked["T-1006"], "--reason", "no sponsoring")
    cli("approve", asked["T-1005"])
    ended = cli("watch", "tri-demo")

    assert (begun.code, waits.code, ended.code) == (3, 3, 0)
    assert "row 8: it has no id" in begun.out
    assert "5 alone, 1 by a person" in ended.out
    assert set(asked) == {"T-1005", "T-1006"}
    _review(cli, tenant)


def _review(cli: Cli, tenant: tuple[str, str]) -> None:
    sampled = cli("triage", "sample", "--json", *tenant)
    unseen = cli("review", "accept", *tenant, "--by", "ben")
    shown = cli("review", "next", *tenant, "--by", "ben", "--json").json
    wrong = cli("review", "correct", "zoo", *tenant, "--by", "ben")
    right = cli("review", "correct", "refund", *tenant, "--by", "ben", "--json").json
    table = cli("triage", "calibration", *tenant)
    (standing,) = cli("standing", "list", *tenant, "--json").json
    revoked = cli("standing", "revoke", standing["id"], "--by", "ann")

    assert (sampled.json["taken"], sampled.json["total"]) == (5, 5)
    assert unseen.code == 2
    assert "review next" in unseen.line
    assert wrong.code == 2
    assert "there are billing" in wrong.line
    assert (right["id"], right["corrected"], right["open"]) == (shown["id"], 1, 4)
    assert "Brier score" in table.out
    assert (standing["left"], standing["wrong"], standing["by"]) == (2, 1, "ann")
    assert "revoked" in revoked.out


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"id,text\n", "there is no ticket below the header"),
        (b"name,words\na,b\n", "--map id=COLUMN"),
        (b"id,text\n1,\xff\n", "line 2 is not UTF-8"),
        (b'id,text\n1,"never closed\n', "is no CSV"),
        (b"id,text\n,nobody\n", "no row is a ticket"),
    ],
)
def test_a_file_that_is_no_file_of_tickets_is_refused(
    alone: Cli, tmp_path: Path, content: bytes, says: str
) -> None:
    """Exit code 2, one line that says what is wrong, and nothing was started."""
    path = tmp_path / "tickets.csv"
    path.write_bytes(content)

    ran = alone("triage", str(path))

    assert ran.code == 2
    assert says in ran.line
    assert "nothing was started" in ran.line


def test_a_standing_approval_needs_a_tool_that_writes(alone: Cli) -> None:
    """A tool that no gate asks about, and terms without end, are misuse."""
    unknown = alone("standing", "grant", "triage", "lookup_account")
    endless = alone("standing", "grant", "triage", "send_reply", "--hours", "0")

    assert (unknown.code, endless.code) == (2, 2)
    assert "it has ['send_reply']" in unknown.line


def test_the_schedule_draws_the_day_before(cli: Cli) -> None:
    """Made with the time and size that were said, changed by saying others; it starts a draw."""
    tenant = ("--tenant", "daily")
    wrong = cli("triage", "schedule", "--at", "25:00", *tenant)
    cli("triage", "schedule", "--sample", "7", *tenant)
    made = cli("triage", "schedule", "--sample", "5", "--at", "06:30", "--json", *tenant).json

    drawn = asyncio.run(_triggered(cli.address, made["schedule"]))

    assert wrong.code == 2
    assert (made["size"], made["at"]) == (5, "06:30")
    assert drawn["day"] == f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"


async def _triggered(address: str, schedule: str) -> dict[str, Any]:
    """Have a schedule start its run now, and return what that came to."""
    client = await Client.connect(address)
    handle = client.get_schedule_handle(schedule)
    (calendar,) = (await handle.describe()).schedule.spec.calendars
    assert (calendar.hour[0].start, calendar.minute[0].start) == (6, 30)
    await handle.trigger()
    for _ in range(200):
        if actions := (await handle.describe()).info.recent_actions:
            run = cast("ScheduleActionExecutionStartWorkflow", actions[-1].action)
            return await client.get_workflow_handle(run.workflow_id).result()
        await asyncio.sleep(0.1)
    raise AssertionError("the schedule started nothing")
