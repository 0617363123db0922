"""E-mail: mails of the outbox in order for each address, and digests of workers' statuses.

alert_lines ─digest_s─▶ outgoing_mails ─▶ SMTP server ─▶ sent | retried for a day ─▶ failed, listed
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

import structlog
from psycopg.types.json import Jsonb

from aggregator.notify.alerts.lines import messages_of
from aggregator.notify.config import EmailConfig
from aggregator.notify.email.digest import digest_fields
from aggregator.notify.email.message import BadMailError, Mail, compose
from aggregator.notify.email.smtp import MailRefusedError, SmtpClient
from aggregator.notify.outbox import Outbox
from ingest.errors import RetryableError
from schemas.messages.notifications import MailKind
from schemas.runtime.metrics import counter
from schemas.runtime.named_sql import load
from schemas.runtime.tracing import span

log: Final = structlog.get_logger(__name__)

_SQL: Final = load("aggregator.notify", "sql/mail.sql")
# Lines read at a time; a digest takes all the lines of its miner that are among them.
_LINES_MAX: Final = 10_000
_FORGET_EVERY_S: Final = 3_600.0


class EmailChannel:
    """Owned by one `Publisher`."""

    name: Final = "email"

    def __init__(self, config: EmailConfig, outbox: Outbox) -> None:
        self._config = config
        self._outbox = outbox
        self._client: SmtpClient | None = None
        # Failed connections in a row.
        self._failures = 0
        self._forget_at_s = 0.0

    async def start(self) -> None:
        self._client = self.new_client()

    def new_client(self) -> SmtpClient:
        return SmtpClient(self._config)

    async def run(self, stop: asyncio.Event) -> None:
        assert self._client is not None
        while not stop.is_set():
            await self._forget()
            await self._make_digests()
            try:
                while await self._send_due(self._client):
                    self._failures = 0
            except RetryableError as error:
                log.warning("mail_server_away", error=str(error))
                self._failures += 1
                await asyncio.sleep(self._delay_s(self._failures))
            await asyncio.sleep(self._config.poll_s)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _forget(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._forget_at_s:
            self._forget_at_s = now_s + _FORGET_EVERY_S
            await self._write("forget", {"keep_s": self._config.keep_s})

    async def _make_digests(self) -> None:
        rows = await self._outbox.read(_SQL["due_lines"], {"limit": _LINES_MAX})
        for digest in messages_of(rows, by="email"):
            fields = digest_fields(digest.title, digest.events)
            await self._write(
                "make_digest",
                {
                    "line_ids": list(digest.line_ids),
                    "kind": MailKind.STATUS_DIGEST,
                    "user_uid": digest.user_uid,
                    "fields": Jsonb(fields),
                },
            )

    async def _send_due(self, client: SmtpClient) -> int:
        """The next mail of each address; how many were due."""
        rows = await self._outbox.read(_SQL["due"], {"limit": self._config.batch})
        for row in rows:
            await self._send(client, Mail(**row))
        return len(rows)

    async def _send(self, client: SmtpClient, mail: Mail) -> None:
        """Sent and then noted: a kill in between sends it once more, under the same Message-ID."""
        this = {"mail_id": mail.mail_id}
        try:
            message = compose(mail, self._config)
            with span("deliver", channel=self.name, attempt=mail.attempts + 1):
                await client.send(message)
        except BadMailError as error:
            await self._fail(this, str(error))
        except MailRefusedError as error:
            if error.permanent:
                await self._fail(this, str(error))
            else:
                delay_s = self._delay_s(mail.attempts + 1)
                retry = {"delay_s": delay_s, "give_up_s": self._config.give_up_s}
                await self._write("retry_later", this | retry | {"error": str(error)})
                self._count("retried")
        else:
            await self._write("sent", this)
            self._count("delivered")

    async def _fail(self, this: Mapping[str, Any], error: str) -> None:
        log.warning("mail_failed", mail=this["mail_id"], error=error)
        await self._write("failed", {**this, "error": error})
        self._count("failed")

    def _delay_s(self, attempts: int) -> float:
        config = self._config
        # More than 30 times tripled is longer than any wait.
        factor = config.retry_factor ** (min(attempts, 30) - 1)
        return min(config.first_retry_s * factor, config.longest_retry_s)

    async def _write(self, statement: str, parameters: Mapping[str, Any]) -> None:
        async with self._outbox.transaction() as connection:
            await connection.execute(_SQL[statement], parameters)

    def _count(self, outcome: str) -> None:
        counter("deliveries_total").labels(channel=self.name, outcome=outcome).inc()
