"""The mail room: reads letters of strangers, and may write to people."""
