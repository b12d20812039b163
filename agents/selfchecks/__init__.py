"""The shipped side of self-checks: prompts of the calls beside a conversation, and the rules."""
