"""Agents for other agents: the A2A protocol, each agent a card, each run a task."""
