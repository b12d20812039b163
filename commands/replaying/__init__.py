"""The replay gate: which runs under way would not go on with the code of this checkout."""
