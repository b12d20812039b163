"""The strict gauge's offline rules: the gauge's."""

from agents.gauge.offline import reply

__all__ = ["reply"]
