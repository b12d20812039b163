"""A triage on the stage: tickets in a file, a model that knows its categories by a word."""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from activities.triage import TriageActivities
from agents.triage.spec import AGENT as CLASSIFIER
from agents.triage_reply.spec import AGENT as DRAFTER
from domain.standing import Grant, Standing, Terms
from domain.taxonomy import Example, taxonomy
from domain.ticket import Brief
from domain.triage import TriageResult
from runtime.examples import Examples
from runtime.reviews import Reviews
from runtime.serving import activities_of
from runtime.standing import StandingApprovals
from runtime.tickets import Tickets
from tests.fakes import Asked, Say, call
from tests.workflows.stage import Handle, Stage, agent, eventually
from tests.workflows.world import World, writing

COLUMNS = ("id", "account", "subject", "text")
TAXONOMY = """
categories:
  billing: {description: money, examples: [my invoice shows a wrong amount]}
  login: {description: signing in, examples: [my password is not accepted at sign in]}
"""
CLEAR = "my invoice shows a wrong amount again"
UNSURE = "my password is not accepted, unsure"
NOVEL = "zebras graze beside volcanoes"


def file_of(folder: Path, tickets: Sequence[Sequence[str]], name: str = "tickets.csv") -> str:
    """Write a file of tickets."""
    path = folder / name
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *tickets])
    (folder / "taxonomy.yaml").write_text(TAXONOMY, encoding="utf-8")
    return str(path)


def brief_of(text: str) -> Brief:
    """Return the brief of a ticket with the examples of the taxonomy here."""
    known = taxonomy(yaml.safe_load(TAXONOMY)).categories
    examples = [
        Example(text=each, category=name) for name, kind in known.items() for each in kind.examples
    ]
    return Brief(id="T-1", text=text, categories=known, examples=tuple(examples))


def model(asked: Asked) -> Say:
    """Classify by a word, with a probability that the text says; draft a line."""
    task: Mapping[str, Any] = json.loads(asked.messages[0].text)
    text = task["ticket"]["text"]
    if asked.agent == DRAFTER.name:
        return Say(json.dumps({"reply": f"About: {text} {task['account']}".strip()}))
    category = "login" if "password" in text else "billing"
    probability = 0.5 if "unsure" in text else 0.95
    said = json.dumps({"category": category, "confidence": 0.99})
    return Say(said, logprobs={"category": math.log(probability)})


async def play(stage: Stage, script: Any = model) -> None:
    """Serve the triage's agents and steps."""
    triage = TriageActivities(
        Tickets(stage.database),
        Examples(stage.database),
        Reviews(stage.database),
        StandingApprovals(stage.database),
    )
    stage.more = activities_of(triage)
    await stage.play([CLASSIFIER, DRAFTER], script)


async def start(stage: Stage, path: str, tenant: str, **more: Any) -> Handle:
    """Start a triage of a file."""
    taxonomy = str(Path(path).with_name("taxonomy.yaml"))
    return await stage.begin(
        "TriageWorkflow", {"tickets": path, "taxonomy": taxonomy, "tenant": tenant} | more
    )


async def result(stage: Stage, handle: Handle) -> TriageResult:
    """Wait for a triage's end and return what it came to."""
    await stage.closed(handle)
    found = stage.client.get_workflow_handle(handle.id, result_type=TriageResult)
    return await found.result()


async def granted(stage: Stage, tenant: str, **terms: Any) -> Standing:
    """Give a standing approval for replies."""
    return await StandingApprovals(stage.database).grant(
        Grant(
            id=f"grant-{tenant}"[:60],
            tenant=tenant,
            agent=CLASSIFIER.name,
            tool="send_reply",
            by="ann",
            terms=Terms(**terms),
            at=datetime.now(UTC),
        )
    )


async def sent(stage: Stage, tenant: str) -> list[str]:
    """Return the tickets whose reply went out, one entry each time."""
    return sorted(each.ticket for each in await Tickets(stage.database).outbox(tenant))


async def asking(stage: Stage, handle: Handle, count: int) -> list[str]:
    """Wait until so many tickets of a triage ask a person; return their runs' ids."""
    query = f"RootWorkflowId = '{handle.id}' AND WorkflowId != '{handle.id}'"
    return await until_listed(stage, f"{query} AND AwaitingApproval = true", count)


async def until_listed(stage: Stage, query: str, count: int = 1) -> list[str]:
    """Wait until the server lists so many runs; return their ids."""

    async def found() -> list[str] | None:
        runs = [run.id async for run in stage.client.list_workflows(query)]
        return runs if len(runs) >= count else None

    return await eventually(found)


async def pays_twice(stage: Stage, tenant: str, *, restart: bool = False) -> Handle:
    """Have an agent pay twice under a standing approval with one use; the second is rejected.

    Args:
        stage: Where.
        tenant: Whose.
        restart: The worker forgets everything while the second one waits.
    """
    world = World()
    pay = writing(world, "pay", effect="irreversible", idempotent=True)
    await stage.play(agent(tools=[pay]), [call("pay", item="1"), call("pay", item="2"), "done"])
    approvals = StandingApprovals(stage.database)
    await granted(stage, tenant, uses=9)  # for another tool, so it covers nothing here
    grant = Grant(
        id=f"pay-{tenant}",
        tenant=tenant,
        agent="tester",
        tool="pay",
        by="ann",
        terms=Terms(uses=1),
        at=datetime.now(UTC),
    )
    await approvals.grant(grant)
    handle = await stage.start(tenant=tenant)
    await stage.asked(handle)
    if restart:
        await stage.restart()
    await handle.signal("reject", {"reason": "not this one"})
    return handle
