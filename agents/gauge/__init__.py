"""The agent of the measurements: whatever can be counted of a run, as its task says."""
