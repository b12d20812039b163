"""The agent that measures: a set number of turns, each with one result of a set size."""
