"""The database's schema: migrations and storage policies."""
