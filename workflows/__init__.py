"""Deterministic code: one workflow a file, every timeout and retry in `policies`."""

from workflows.agent import AgentWorkflow
from workflows.audit import AuditWorkflow
from workflows.batch import BatchWorkflow
from workflows.chain import ChainWorkflow
from workflows.failures import FAILURES
from workflows.orchestrator import OrchestratorWorkflow
from workflows.repair import RepairWorkflow
from workflows.research import ResearchWorkflow
from workflows.sampling import SamplingWorkflow
from workflows.ticket import TicketWorkflow
from workflows.triage import TriageWorkflow

WORKFLOWS: list[type] = [
    AgentWorkflow,
    AuditWorkflow,
    BatchWorkflow,
    ChainWorkflow,
    OrchestratorWorkflow,
    RepairWorkflow,
    ResearchWorkflow,
    SamplingWorkflow,
    TicketWorkflow,
    TriageWorkflow,
]

__all__ = [
    "FAILURES",
    "WORKFLOWS",
    "AgentWorkflow",
    "AuditWorkflow",
    "BatchWorkflow",
    "ChainWorkflow",
    "OrchestratorWorkflow",
    "RepairWorkflow",
    "ResearchWorkflow",
    "SamplingWorkflow",
    "TicketWorkflow",
    "TriageWorkflow",
]
