"""Runs a second and turns a second, by worker processes, and what the machine spends on them."""
