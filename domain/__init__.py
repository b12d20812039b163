"""Pure contracts and rules of an agent run; imports the standard library and pydantic only."""
