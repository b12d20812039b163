"""Everything in a run that touches the world: models, tools, checks that need a service."""
