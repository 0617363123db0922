"""Telegram: the channel, the Bot API, messages, and what people write to the bot."""
