"""The verifier of a research: sees one claim and what it cites, and nothing else."""
