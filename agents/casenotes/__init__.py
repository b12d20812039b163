"""Reads case notes, which leave the house to nobody."""
