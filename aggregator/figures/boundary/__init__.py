"""Boundary workers: minutes made from a schedule instead of from shares."""
