"""What one worker process serves, put together: which database, models, tools and workflows."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from activities.audit import AuditActivities
from activities.batch import BatchActivities
from activities.chain import ChainActivities
from activities.counting import Counting
from activities.folding import FoldingActivities
from activities.halts import HaltActivities
from activities.llm import LLMActivities
from activities.memory import MemoryActivities
from activities.orchestration import OrchestrationActivities
from activities.providers import build, close
from activities.repair import RepairActivities
from activities.research import ResearchActivities
from activities.runs import RunActivities
from activities.selfchecks import SelfCheckActivities
from activities.spend import Reserved
from activities.standing import StandingActivities
from activities.tools import ToolActivities
from activities.transcripts import Transcripts
from activities.triage import TriageActivities
from activities.validation import ValidationActivities, addresses
from agents.registry import tools, unchecked
from agents.toolkit import Agent
from commands.controls import controls, measure
from commands.remembrance import remembrance
from domain.routing import PROVIDERS
from runtime.answers import Answers
from runtime.artifacts import Artifacts
from runtime.batches import Batches
from runtime.database import Database
from runtime.dead_letters import DeadLetters
from runtime.documents import Documents
from runtime.encryption_waiting import WaitForKeys
from runtime.examples import Examples
from runtime.halts import Halts
from runtime.interceptors import FinishWrites, Observe
from runtime.metrics import Meters
from runtime.numbers import Numbers
from runtime.privileges import TenantPrivileges
from runtime.reviews import Reviews
from runtime.routes import named_routes
from runtime.runs import Runs
from runtime.serving import Queue, Service, activities_of, wanted
from runtime.settings import Settings
from runtime.shelf import Shelf
from runtime.spend import SpendLedger
from runtime.standing import StandingApprovals
from runtime.tickets import Tickets
from workflows import FAILURES, WORKFLOWS

_log = structlog.stdlib.get_logger(__name__)

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
    meters = Meters(settings.named_tenants)
    artifacts = Artifacts(database)
    shelf = Shelf(database)
    halts = Halts(database)
    held = controls(database, halts, meters)
    providers = build(**settings.model_access(), offline_url=offline_url)
    llm = LLMActivities(
        providers,
        transcripts,
        SpendLedger(database, Reserved),
        on_call=meters.model_call,
        controls=held,
        answers=Answers(database),
        shelf=shelf,
    )
    checks = ValidationActivities(served, settings.secrets())
    runs = RunActivities(
        served,
        transcripts,
        DeadLetters(database),
        Runs(database),
        named_routes(settings),
        privileges=TenantPrivileges(settings.privileges_file),
        weights=settings.tenant_weights,
        counting=Counting(served, Numbers(database), settings.named_tenants),
    )
    offered = tools(served.values())
    if bare := unchecked(offered.values()):
        _log.warning("irreversible tools without a second check", tools=bare)
    memory = remembrance(
        settings, database, offline_url, count=meters.memory, used=meters.embedding
    )
    called = ToolActivities(
        offered,
        transcripts,
        artifacts,
        settings.database,
        shelf=shelf,
        controls=held,
        memory=memory,
    )
    main = Queue(
        settings.task_queue,
        workflows=WORKFLOWS,
        activities=[
            *activities_of(MemoryActivities(memory, transcripts)),
            *activities_of(llm, checks, runs, HaltActivities(halts)),
            *activities_of(FoldingActivities(artifacts, addresses, meters.fold)),
            *activities_of(SelfCheckActivities(served, offered, settings.database)),
            *_of_the_organisations(settings, database, artifacts, served),
            *called.all(),
        ],
    )
    limited = [
        Queue(name, called.all(name), per_second=rate) for name, rate in called.queues().items()
    ]
    # A model's queue has no declared rate: whoever starts its workers knows the account's.
    models = [Queue(f"llm.{vendor}", [llm.think]) for vendor in sorted(PROVIDERS)]
    specs = [tool.spec for tool in offered.values()]
    meters.expect(served.keys(), (spec.name for spec in specs))
    return Service(
        queues=wanted(queues, [main, *limited], models),
        failures=FAILURES,
        interceptors=[
            WaitForKeys({"llm.think", *(spec.name for spec in specs)}),
            Observe(meters, {spec.name for spec in specs}),
            FinishWrites({spec.name for spec in specs if spec.writes}),
        ],
        meters=meters,
        known=[queue.name for queue in (main, *limited, *models)],
        refresh=lambda: _measure(database, meters),
        pinned=[name for name, agent in served.items() if agent.pinned],
        close=partial(close, providers),
    )


async def _measure(database: Database, meters: Meters) -> None:
    """Bring numbers up to date that the database has for all workers."""
    await Reviews(database).measure(meters)
    await measure(database, meters)


def _of_the_organisations(
    settings: Settings, database: Database, artifacts: Artifacts, served: Mapping[str, Agent]
) -> list[Callable[..., Any]]:
    """Return the activities that single organisations have for themselves."""
    standing = StandingApprovals(database)
    return activities_of(
        StandingActivities(standing),
        AuditActivities(settings.home / "ledgers"),
        BatchActivities(Batches(database), artifacts),
        ChainActivities(served),
        OrchestrationActivities(served, settings.home / "ledgers"),
        RepairActivities(settings.home / "repairs", settings.database),
        ResearchActivities(Documents(database), artifacts, _research_page),
        TriageActivities(Tickets(database), Examples(database), Reviews(database), standing),
    )


def _research_page(result: "ResearchResult") -> str:
    # Here and not above: templates that few runs need, and a restart must be quick.
    from commands.pages.research import research_page  # noqa: PLC0415

    return research_page(result)
