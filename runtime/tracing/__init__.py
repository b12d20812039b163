"""Traces of runs, made from their histories: what is there once is told once."""
