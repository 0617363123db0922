"""Columns → minutes → figures: folding, windows, status, and what is told to the outside."""
