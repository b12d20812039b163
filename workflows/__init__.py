"""Deterministic code: one workflow a file, every timeout and retry in `policies`."""

from workflows.agent import AgentWorkflow
from workflows.failures import FAILURES

WORKFLOWS: list[type] = [AgentWorkflow]

__all__ = ["FAILURES", "WORKFLOWS", "AgentWorkflow"]
