"""Deterministic code: one workflow a file, every timeout and retry in `policies`."""

from workflows.agent import AgentWorkflow
from workflows.audit import AuditWorkflow
from workflows.failures import FAILURES

WORKFLOWS: list[type] = [AgentWorkflow, AuditWorkflow]

__all__ = ["FAILURES", "WORKFLOWS", "AgentWorkflow", "AuditWorkflow"]
