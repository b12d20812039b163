"""Whether the numbers are right: a mix of runs, and every number once more from the histories."""
