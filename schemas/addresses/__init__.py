"""Addresses that people type: of Bitcoin outputs, of mail, of webhooks. Pure checks."""
