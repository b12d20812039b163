"""Example: an agent for work that is much longer than its window."""
