"""The connection to the SMTP server, and what its refusals mean for a mail."""

from __future__ import annotations

import ssl
from email.message import EmailMessage
from typing import Final

import aiosmtplib

from aggregator.notify.config import EmailConfig
from ingest.errors import FatalError, RetryableError

_PERMANENT: Final = 500


class MailRefusedError(Exception):
    """The server refused this one mail: for good (5xx), or for now (4xx)."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class SmtpClient:
    """One connection, kept for a run of mails. Owned by one `EmailChannel`."""

    def __init__(self, config: EmailConfig) -> None:
        self._config = config
        self._client = aiosmtplib.SMTP(
            hostname=config.host,
            port=config.port,
            username=config.username or None,
            password=config.password or None,
            timeout=config.timeout_s,
            use_tls=config.tls == "tls",
            start_tls=config.tls == "starttls",
            tls_context=_trusted(config.ca_file),
        )

    async def send(self, message: EmailMessage) -> None:
        """MailRefusedError if the server refuses this mail, RetryableError if it takes none now."""
        try:
            if not self._client.is_connected:
                await self._client.connect()
            await self._client.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            # One recipient a mail.
            refusal = error.recipients[0]
            raise _refused(refusal.code, refusal.message) from error
        except aiosmtplib.SMTPDataError as error:
            raise _refused(error.code, error.message) from error
        # Log-in, sender or TLS refused, away, silent: no other mail would fare better.
        except (aiosmtplib.SMTPException, OSError) as error:
            await self.close()
            raise RetryableError(f"SMTP server: {error!r}") from error

    async def close(self) -> None:
        self._client.close()


def _refused(code: int, message: str) -> MailRefusedError:
    return MailRefusedError(f"{code} {message}"[:500], permanent=code >= _PERMANENT)


def _trusted(ca_file: str | None) -> ssl.SSLContext:
    """The system's certificates, and those of `ca_file`. FatalError if it cannot be read."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            raise FatalError(f"e-mail: certificates of {ca_file}: {error}") from error
    return context
