"""What one worker process serves, put together: which database, models, tools and workflows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from activities.audit import AuditActivities
from activities.batch import BatchActivities
from activities.chain import ChainActivities
from activities.controls import Controls
from activities.counting import Counting
from activities.folding import FoldingActivities
from activities.halts import HaltActivities
from activities.llm import LLMActivities
from activities.memory import MemoryActivities, Remembrance
from activities.orchestration import OrchestrationActivities
from activities.providers import build, close
from activities.providers.base import Provider
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
from agents.toolkit import Agent, Tool
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


@dataclass(frozen=True)
class _Parts:
    """What the activities of one process share."""

    settings: Settings
    database: Database
    served: Mapping[str, Agent]
    offered: Mapping[str, Tool]
    providers: Mapping[str, Provider]
    memory: Remembrance
    meters: Meters
    halts: Halts
    controls: Controls
    transcripts: Transcripts
    artifacts: Artifacts
    shelf: Shelf


def compose(
    settings: Settings,
    database: Database,
    offline_url: str,
    served: Mapping[str, Agent],
    queues: str = "",
) -> Service:
    """Return what the process serves: `queues` of the agents `served`, or all but the models'."""
    parts = _parts(settings, database, offline_url, served)
    llm, called = _llm(parts), _tools(parts)
    main = _main(parts, llm, called)
    limited = [
        Queue(name, called.all(name), per_second=rate) for name, rate in called.queues().items()
    ]
    # A model's queue has no declared rate: whoever starts its workers knows the account's.
    models = [Queue(f"llm.{vendor}", [llm.think]) for vendor in sorted(PROVIDERS)]
    names = {tool.spec.name for tool in parts.offered.values()}
    parts.meters.expect(served.keys(), names)
    return Service(
        queues=wanted(queues, [main, *limited], models),
        failures=FAILURES,
        interceptors=[
            WaitForKeys({"llm.think", *names}),
            Observe(parts.meters, names),
            FinishWrites({each.spec.name for each in parts.offered.values() if each.spec.writes}),
        ],
        meters=parts.meters,
        known=[queue.name for queue in (main, *limited, *models)],
        refresh=lambda: _measure(database, parts.meters),
        pinned=[name for name, agent in served.items() if agent.pinned],
        close=partial(close, parts.providers),
    )


def _parts(
    settings: Settings, database: Database, offline_url: str, served: Mapping[str, Agent]
) -> _Parts:
    meters, halts = Meters(settings.named_tenants), Halts(database)
    offered = tools(served.values())
    if bare := unchecked(offered.values()):
        _log.warning("irreversible tools without a second check", tools=bare)
    return _Parts(
        settings=settings,
        database=database,
        served=served,
        offered=offered,
        providers=build(**settings.model_access(), offline_url=offline_url),
        memory=remembrance(
            settings, database, offline_url, count=meters.memory, used=meters.embedding
        ),
        meters=meters,
        halts=halts,
        controls=controls(database, halts, meters),
        transcripts=Transcripts(),
        artifacts=Artifacts(database),
        shelf=Shelf(database),
    )


def _llm(parts: _Parts) -> LLMActivities:
    return LLMActivities(
        parts.providers,
        parts.transcripts,
        SpendLedger(parts.database, Reserved),
        on_call=parts.meters.model_call,
        controls=parts.controls,
        answers=Answers(parts.database),
        shelf=parts.shelf,
    )


def _tools(parts: _Parts) -> ToolActivities:
    return ToolActivities(
        parts.offered,
        parts.transcripts,
        parts.artifacts,
        parts.settings.database,
        shelf=parts.shelf,
        controls=parts.controls,
        memory=parts.memory,
    )


def _runs(parts: _Parts) -> RunActivities:
    named = parts.settings.named_tenants
    return RunActivities(
        parts.served,
        parts.transcripts,
        DeadLetters(parts.database),
        Runs(parts.database),
        named_routes(parts.settings),
        privileges=TenantPrivileges(parts.settings.privileges_file),
        weights=parts.settings.tenant_weights,
        counting=Counting(parts.served, Numbers(parts.database), named),
    )


def _main(parts: _Parts, llm: LLMActivities, called: ToolActivities) -> Queue:
    """Return the queue that every run is started on."""
    settings, database = parts.settings, parts.database
    checks = ValidationActivities(parts.served, settings.secrets())
    return Queue(
        settings.task_queue,
        workflows=WORKFLOWS,
        activities=[
            *activities_of(MemoryActivities(parts.memory, parts.transcripts)),
            *activities_of(llm, checks, _runs(parts), HaltActivities(parts.halts)),
            *activities_of(FoldingActivities(parts.artifacts, addresses, parts.meters.fold)),
            *activities_of(SelfCheckActivities(parts.served, parts.offered, settings.database)),
            *_of_the_organisations(settings, database, parts.artifacts, parts.served),
            *called.all(),
        ],
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
