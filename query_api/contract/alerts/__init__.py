"""Shapes of what a miner is alerted of, and of its webhooks."""
