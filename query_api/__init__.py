"""Database → HTTP: the telemetry part of the Headframe pool API."""
