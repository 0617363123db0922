"""Readers of what other pool software has kept of its past, for `hashgauge import`."""
