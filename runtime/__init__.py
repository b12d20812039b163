"""What a process needs around the agents: settings, connections, storage, telemetry."""
