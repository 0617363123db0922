"""Alerts: who hears what about a miner's workers, decided once for every channel."""
