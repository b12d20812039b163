"""The worker of the drills: it fails, asks and succeeds as its task says."""
