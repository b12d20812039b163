"""Example: takes complaints over from the front desk."""
