"""Columns → minutes → figures: folding, windows, status, messages, and money."""
