"""Looking for what must not pass: text that addresses the model, secrets, personal data.

All of it is pure, bounded, and takes time in proportion to a text's length.
"""
