"""Wires everything and reads the environment; nobody imports this package."""
