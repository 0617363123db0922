"""Readers of the formats that other pool software writes; each produces to `shares`."""
