"""Rollups on either kind of database, and how long everything is kept."""
