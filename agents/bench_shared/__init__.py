"""The agent that measures turns: one model call on a queue that tenants share."""
