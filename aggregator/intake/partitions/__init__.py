"""The partitions of the topic: assigned, tracked, and how far each has been consumed."""
