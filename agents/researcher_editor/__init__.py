"""A specialist of a research: arranges claims without rewriting them, where writing has failed."""
