"""What a user edits: one folder an agent, with its spec, prompts, tools, checks and evals."""
