"""Who may signal: a Temporal server that asks for signed names, and what it lets whom do."""
