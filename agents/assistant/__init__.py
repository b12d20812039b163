"""The assistant: an agent whose tools come from MCP servers."""
