"""A worker of a dossier. Profiles an account: its days, sums, balances and kinds of bookings."""
