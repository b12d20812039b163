"""Holdfast beside other durable runtimes: the same work, server, model and machine, in one run.

The others live in a virtual environment of their own, made from `requirements.txt` here; each is
written as its documentation shows, with its defaults.
"""
