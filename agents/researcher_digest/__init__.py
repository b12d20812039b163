"""A specialist of a research: states quotation by quotation, where a synthesis has failed."""
