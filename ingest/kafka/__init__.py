"""Kafka as the service uses it: consume, produce, topics, offsets."""
