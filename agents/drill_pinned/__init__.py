"""The drills' agent once more, with runs that end with the build they began with."""
