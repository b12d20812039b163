"""A worker of a dossier. Writes the dossier on an account from what the others found out."""
