"""What the offline model says beside any agent's conversation: one file a purpose."""
