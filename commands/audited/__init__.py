"""The audit log: what is in it, how it is chained and signed, how it is checked."""
