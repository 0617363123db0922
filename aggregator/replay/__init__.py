"""Counting a topic again: rewind, filter what was counted before, complete."""
