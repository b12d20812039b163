"""Example: an agent that asks another one, and leaves what is not its own to a third."""
