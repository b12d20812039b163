"""The gauge for which silence is a failure."""
