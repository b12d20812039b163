"""The agent that drafts the reply to a support ticket."""
