"""Threshold alerts: figures beyond a bound for a while become events of the outbox."""
