"""The real commands as processes, on a real database and a real broker, against a known truth."""
