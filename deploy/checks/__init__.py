"""What can be checked before and while the service runs."""
