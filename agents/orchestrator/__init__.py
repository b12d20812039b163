"""The orchestrator: plans the tasks of a goal and gives each to a worker; it has no tools."""
