"""The HTTP gateway: shares over `POST /shares`, for stratum servers without a Kafka client."""
