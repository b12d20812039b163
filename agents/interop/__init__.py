"""Tools of MCP servers: what a person declares of them, what is pinned, what an agent gets."""
