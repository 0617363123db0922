"""E-mail: catalogues of texts, messages in two forms, an SMTP client, and the channel."""
