"""Is anything of a run to be read in a database, and does a rotation under load lose one?"""
