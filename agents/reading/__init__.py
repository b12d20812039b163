"""Reading documents for agents: files into text, text into passages, claims against passages."""
