"""The mail room's reader: tells what a letter says."""
