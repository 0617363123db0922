"""Sliding windows of all workers: rings of buckets, and the grid over them."""
