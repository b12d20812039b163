"""One worker process: serves task queues until SIGTERM, then lets what runs finish.

Everything is put together here: which database, models, tools and workflows.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from activities.audit import AuditActivities
from activities.batch import BatchActivities
from activities.chain import ChainActivities
from activities.llm import LLMActivities
from activities.orchestration import OrchestrationActivities
from activities.providers import build
from activities.repair import RepairActivities
from activities.research import ResearchActivities
from activities.runs import RunActivities
from activities.spend import Reserved
from activities.standing import StandingActivities
from activities.tools import ToolActivities
from activities.transcripts import Transcripts
from activities.triage import TriageActivities
from activities.validation import ValidationActivities
from agents.reading.lent import citing
from agents.registry import agents, tools
from agents.toolkit import Agent
from runtime.artifacts import Artifacts
from runtime.batches import Batches
from runtime.database import Database
from runtime.dead_letters import DeadLetters
from runtime.documents import Documents
from runtime.examples import Examples
from runtime.interceptors import FinishWrites, Observe
from runtime.lent_tools import lent
from runtime.metrics import Meters
from runtime.process import STARTUP_ERRORS, process
from runtime.reviews import Reviews
from runtime.runs import Runs
from runtime.serving import Queue, Service, activities_of, serve, wanted
from runtime.settings import Settings
from runtime.spend import SpendLedger
from runtime.standing import StandingApprovals
from runtime.tickets import Tickets
from workflows import FAILURES, WORKFLOWS

if TYPE_CHECKING:
    from domain.researching import ResearchResult


def compose(
    settings: Settings,
    database: Database,
    offline_url: str,
    served: Mapping[str, Agent],
    queues: str = "",
) -> Service:
    """Return what the process serves: `queues` of the agents `served`, or all but the models'."""
    transcripts = Transcripts()
    meters = Meters()
    artifacts = Artifacts(database)
    llm = LLMActivities(
        build(**settings.model_access(), offline_url=offline_url),
        transcripts,
        SpendLedger(database, Reserved),
        on_call=meters.model_call,
    )
    checks = ValidationActivities(served)
    runs = RunActivities(served, transcripts, DeadLetters(database), Runs(database))
    audit = AuditActivities(settings.home / "ledgers")
    batch = BatchActivities(Batches(database), artifacts)
    goals = OrchestrationActivities(served, settings.home / "ledgers")
    grants = StandingApprovals(database)
    standing = StandingActivities(grants)
    triage = TriageActivities(Tickets(database), Examples(database), Reviews(database), grants)
    research = ResearchActivities(Documents(database), artifacts, _research_page)
    chain = ChainActivities(served)
    repair = RepairActivities(settings.home / "repairs", settings.database)
    offered = tools(served.values())
    called = ToolActivities(offered, transcripts, artifacts, settings.database)
    main = Queue(
        settings.task_queue,
        workflows=WORKFLOWS,
        activities=[
            *activities_of(
                llm, checks, runs, standing, triage, audit, batch, goals, research, repair, chain
            ),
            *called.all(),
        ],
    )
    limited = [
        Queue(name, called.all(name), per_second=rate) for name, rate in called.queues().items()
    ]
    # A model's queue has no declared rate: whoever starts its workers knows the account's.
    models = [Queue(f"llm.{vendor}", [llm.think]) for vendor in ("openai", "anthropic")]
    specs = [tool.spec for tool in offered.values()]
    return Service(
        queues=wanted(queues, [main, *limited], models),
        failures=FAILURES,
        interceptors=[
            Observe(meters, {spec.name for spec in specs}),
            FinishWrites({spec.name for spec in specs if spec.writes}),
        ],
        meters=meters,
    )


def _research_page(result: "ResearchResult") -> str:
    # Here and not above: templates that few runs need, and a restart must be quick.
    from commands.pages.research import research_page  # noqa: PLC0415

    return research_page(result)


async def main(queues: str) -> None:
    """Serve `queues` until SIGTERM or SIGINT."""
    async with process(Settings.load()) as own, lent(own.settings, agents()) as served:
        service = compose(own.settings, own.database, own.offline_url, citing(served), queues)
        await serve(own.client, own.settings, service, own.sdk_metrics)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--queues",
        default="",
        help="comma-separated task queues, each with an optional limit of activities a second: "
        "holdfast,llm.openai=5 (default: holdfast and every rate-limited tool's)",
    )
    try:
        asyncio.run(main(parser.parse_args().queues))
    except STARTUP_ERRORS as error:
        sys.exit(f"worker: {error}")
