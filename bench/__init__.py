"""Scripts that measure; each prints its figures. docs/measurements.md names the commands."""
