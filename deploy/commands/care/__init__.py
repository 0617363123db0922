"""Commands to look after a running service."""
