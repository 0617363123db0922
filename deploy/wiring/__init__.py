"""Puts the rooms' services together from the settings."""
