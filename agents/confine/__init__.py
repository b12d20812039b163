"""Running a command that is not trusted: in its folder, without network, within limits."""
