"""Example: what a customer owes, and credits for what never came; everything checked twice."""
