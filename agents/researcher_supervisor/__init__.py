"""The supervisor of a research: plans the sub-tasks, and decides where a specialist failed."""
