"""Routes of stats, charts, reports and events."""
