"""The auditor: finds out what is normal in a ledger, then what is not, and proves it."""
