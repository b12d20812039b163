"""What the workers of a dossier share: what they hand each other, their tools, their rules."""
