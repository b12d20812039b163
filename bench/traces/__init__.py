"""Is every step of a run in its trace, once, whatever happens to the workers and the collector?"""
