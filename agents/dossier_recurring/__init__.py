"""A worker of a dossier. Finds the payments that come in and go out regularly."""
