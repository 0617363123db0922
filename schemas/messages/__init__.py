"""What is published and to whom: events, kinds of messages, thresholds."""
