"""The repair agent: finds out why a repository's tests fail, and mends it on a copy."""
