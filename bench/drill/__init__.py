"""Failure drills: processes are killed at a chosen moment, and what was repeated is counted."""
