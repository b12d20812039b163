"""Evaluations: an agent's cases as runs, what they score, and whether that got worse."""
