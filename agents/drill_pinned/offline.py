"""The offline rules of the drill agent."""

from agents.drill.offline import latency_ms, reply

__all__ = ["latency_ms", "reply"]
