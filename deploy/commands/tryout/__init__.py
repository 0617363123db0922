"""Commands to try the service out on one machine."""
