"""The dashboard in Debian's chromium, against the real API and a real PostgreSQL."""
