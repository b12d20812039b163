"""A worker of a dossier. Finds what is unusual in an account, given what is usual for it."""
