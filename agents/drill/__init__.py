"""The agent of the failure drills: every kind of effect, and a place to wait at each."""
