"""The command line's subcommands, one file a noun; starter.py puts them together."""
