"""What only commands call on the write side."""
