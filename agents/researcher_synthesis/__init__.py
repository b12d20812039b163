"""A specialist of a research: puts quotations together into claims."""
