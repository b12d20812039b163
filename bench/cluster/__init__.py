"""A cluster as processes: Temporal's services and Holdfast's workers, all on one PostgreSQL."""
