"""Bytes → columns: the Kafka consumer, the decoders, the gateway, the feeds and the simulator."""
