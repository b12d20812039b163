"""The live table: what wants a person is first, and few questions are asked."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from commands.fleet import Fleet, Look, Row
from commands.reading import Listed
from commands.session import Session
from commands.top import as_json, drawn
from domain.budget import Spend
from domain.run import Status, Stop
from runtime.database import Database
from runtime.halts import Halts

_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class _Execution:
    """A run as the server's list has it."""

    def __init__(self, run_id: str, state: str, parent: str | None, number: int) -> None:
        self.id, self.workflow_type, self.parent_id = run_id, "AgentWorkflow", parent
        self.start_time, self.close_time = _NOON + timedelta(seconds=number), None
        self.status = None
        self._known = {"AgentState": state, "AgentName": "clerk", "Tenant": "acme"}
        self._known["AwaitingApproval"] = cast("Any", state == "PENDING_APPROVAL")

    @property
    def typed_search_attributes(self) -> Any:
        return self

    def get(self, key: Any, default: Any) -> Any:
        return self._known.get(key.name, default)


class _Client:
    """A server with runs, which counts what it is asked."""

    def __init__(self, runs: list[_Execution], said: dict[str, Status]) -> None:
        self.runs, self.said = runs, said
        self.lists, self.queries, self.counts = 0, list[str](), 0

    async def list_workflows(self, query: str, **most: int) -> AsyncGenerator[_Execution]:
        self.lists += 1
        waits = {"PENDING_APPROVAL", "STOPPED"}
        wanted = [
            run
            for run in self.runs
            if "AwaitingApproval" not in query or run.get(_Key("AgentState"), "") in waits
        ]
        for run in wanted[: most["limit"]]:
            yield run

    async def count_workflows(self, query: str) -> Any:
        self.counts += 1
        return _Count(len(self.runs))

    def get_workflow_handle(self, run_id: str) -> "_Handle":
        return _Handle(self, run_id)


class _Key:
    def __init__(self, name: str) -> None:
        self.name = name


class _Count:
    def __init__(self, count: int) -> None:
        self.count = count


class _Handle:
    def __init__(self, client: _Client, run_id: str) -> None:
        self._client, self._run_id = client, run_id

    async def query(self, name: str, **_: Any) -> Status | None:
        self._client.queries.append(self._run_id)
        return self._client.said.get(self._run_id)


class _Opened:
    """A session with that server."""

    def __init__(self, client: _Client, database: Database) -> None:
        self.client, self.database = client, database

    async def workers(self) -> int:
        return 2


@pytest.fixture
async def database(tmp_path: Path) -> AsyncGenerator[Database]:
    """An empty one."""
    made = Database(f"sqlite:///{tmp_path / 'test.db'}")
    await made.migrate()
    yield made
    await made.close()


def _asks(run_id: str, minutes: int) -> Status:
    asked = _NOON - timedelta(minutes=minutes)
    question = {"id": "q", "kind": "call", "title": f"pay {run_id}", "why": "it is irreversible"}
    times = {"asked_at": asked, "silent_at": asked + timedelta(days=3)}
    return Status(run_id=run_id, agent="clerk", state="PENDING_APPROVAL", question=question | times)


def _look(client: _Client, database: Database, **how: Any) -> Look:
    return Look(cast("Session", _Opened(client, database)), **how)


@pytest.mark.requirement("C6.3:top")
async def test_what_wants_a_person_is_first_and_the_longest_waiting_of_it(
    database: Database,
) -> None:
    """Questions, then runs that stand still, then halted ones, then those that work."""
    states = ["EXECUTING", "STOPPED", "PENDING_APPROVAL", "PENDING_APPROVAL", "STOPPED"]
    runs = [_Execution(f"run-{at}", state, None, at) for at, state in enumerate(states)]
    stopped = Stop(step="llm.think", reason="no key", hint="set it", at=_NOON)
    said = {"run-2": _asks("run-2", 5), "run-3": _asks("run-3", 50)}
    said["run-1"] = Status(run_id="run-1", agent="clerk", state="STOPPED", stop=stopped)
    await Halts(database).place("run", "run-4", by="ann", reason="looking")

    fleet = await _look(_Client(runs, said), database).look(10)

    assert [(row.run.run_id, row.wants) for row in fleet.rows] == [
        ("run-3", "approval"),
        ("run-2", "approval"),
        ("run-1", "stopped"),
        ("run-4", "halted"),
        ("run-0", ""),
    ]
    assert fleet.counts == {"under_way": 5, "wait_for_approval": 2, "stopped": 1, "halted": 1}
    assert fleet.rows[2].asks == "llm.think: no key"


@pytest.mark.requirement("C6.3:top-bounded")
async def test_a_thousand_runs_are_asked_no_more_than_thirty(database: Database) -> None:
    """Two lists, and the runs on the screen; those that wait are not asked a second time."""
    runs = [_Execution(f"run-{at}", "PENDING_APPROVAL", None, at) for at in range(1_000)]
    client = _Client(runs, {run.id: _asks(run.id, 1) for run in runs})
    look = _look(client, database)

    first = await look.look(30)
    await look.look(30)

    assert (len(first.rows), first.more) == (30, 970)
    assert client.lists == 4
    assert len(client.queries) == 30


async def test_runs_below_are_counted_and_shown_when_they_ask(database: Database) -> None:
    """A batch of fifty is one row, and each of its documents that asks is one as well."""
    runs = [_Execution("batch", "EXECUTING", None, 0)]
    runs += [_Execution(f"batch/{at}", "EXECUTING", "batch", at) for at in range(1, 50)]
    runs.append(_Execution("batch/asks", "PENDING_APPROVAL", "batch", 99))

    few = await _look(_Client(runs, {}), database).look(10)
    every = await _look(_Client(runs, {}), database, every=True).look(100)

    assert [(row.run.run_id, row.below) for row in few.rows] == [("batch/asks", 0), ("batch", 49)]
    assert len(every.rows) == 51


def test_the_table_says_it_all_in_little_room() -> None:
    """In eighty columns, with hostile ids and no worker, too; nothing is printed as markup."""
    run = Listed(
        "[bold]\x1b[31m" + "x" * 90, "AgentWorkflow", "a", "", "EXECUTING", "RUNNING", False, 1.0,
        _NOON, None, "",
    )  # fmt: skip
    limits = {"steps": 10, "tokens": 100, "cost_usd": "0"}
    said = Status(run_id="r", agent="a", state="EXECUTING", spend=Spend(tokens=90), limits=limits)
    fleet = Fleet(_NOON, (Row(run, "", said), Row(run, "stopped")), _none(), more=3)
    out = Console(width=80, record=True, file=StringIO())

    out.print(drawn(fleet))

    text = out.export_text()
    assert "no worker" in text
    assert "\x1b[31m" not in text
    assert "and 3 more" in text
    assert as_json(fleet)["runs"][0]["share_of_budget"] == 0.9


def _none() -> dict[str, int]:
    return {"under_way": 2, "wait_for_approval": 0, "stopped": 1, "halted": 0}
