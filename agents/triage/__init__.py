"""The agent that sorts support tickets into a fixed set of categories."""
