"""A worker of a dossier. Finds out with whom an account deals, and for how much."""
