"""A specialist of a research: reads documents in their order, where words find nothing."""
