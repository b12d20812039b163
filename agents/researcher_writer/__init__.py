"""A specialist of a research: writes the report."""
