"""Routes of users, their watchers, webhooks and Telegram chat."""
