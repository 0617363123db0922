"""Stage 3: events of the outbox → Kafka, webhooks, Telegram. One publisher at a time."""
