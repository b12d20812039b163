"""A specialist of a research: finds quotations by full-text search."""
