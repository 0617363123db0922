"""The contracts of Hashgauge: names, units, wire formats. Pure; imports nothing of the service."""
