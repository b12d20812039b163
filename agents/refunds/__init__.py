"""Example: refunds of orders, each put before a person and made once."""
