"""Judges an answer by a rubric: for evaluations, where no rule serves."""
