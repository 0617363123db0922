"""Metrics, tracing, the clock and named SQL: the only part of `schemas` that holds state."""
