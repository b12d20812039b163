"""The agent that takes fields out of one document, and the rules over what it takes."""
