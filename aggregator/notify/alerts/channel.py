"""From events to recipients: alerts and notices become deliveries, lines and mails.

events ─rule─▶ alerts (waiting) ─due─▶ webhook_deliveries, alert_lines ─▶ webhooks, Telegram, e-mail
       ─────── notices ──────────────▶ webhook_deliveries, alert_lines, outgoing_mails
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from aggregator.notify.alerts import store
from aggregator.notify.alerts.rule import decide
from aggregator.notify.outbox import Batch, Connection, Outbox
from schemas.messages.notifications import (
    NOTICES,
    NOTIFIED_ROLES,
    PREFERENCES,
    THRESHOLD_NOTICES,
    Channel,
)
from schemas.runtime.named_sql import load

_NOTICES: Final = load("aggregator.notify", "sql/notices.sql")
_WEBHOOK: Final = "webhook"
_FORGET_EVERY_S: Final = 3_600.0
_NOTICES_BY: Final = {Channel.EMAIL: "to_mails", Channel.TELEGRAM: "to_lines"}


class AlertChannel:
    """Owned by one `Publisher`. Sends nothing itself: it fills what the senders empty."""

    name: Final = "alerts"

    def __init__(
        self,
        outbox: Outbox,
        *,
        people: Mapping[str, float],
        rate_span_s: int,
        poll_s: float = 1.0,
        batch: int = 1_000,
        keep_s: float = 30 * 86_400.0,
    ) -> None:
        """`people`: the channels to people that are configured, and how long each collects the
        lines of one message."""
        self._outbox = outbox
        self._people = dict(people)
        self._channels = [_WEBHOOK, *people]
        self._rate_span_s = rate_span_s
        self._poll_s = poll_s
        self._batch = batch
        self._keep_s = keep_s
        self._forget_at_s = 0.0

    async def start(self) -> None: ...

    async def publish(self, batch: Batch) -> None:
        async with self._outbox.transaction() as connection:
            now = await _now(connection)
            events = await store.events_of(connection, batch, channels=self._channels)
            if events:
                known = await store.known_of(
                    connection,
                    batch,
                    events,
                    channels=self._channels,
                    rate_span_s=self._rate_span_s,
                )
                await store.save(connection, decide(events, known, now), now=now)
            await self._send_due(connection, now)
            await self._send_notices(connection, batch)
            await self._outbox.advance(connection, self.name, batch.to)

    async def run(self, stop: asyncio.Event) -> None:
        """Send the alerts whose delay runs out."""
        while not stop.is_set():
            async with self._outbox.transaction() as connection:
                count = await self._send_due(connection, await _now(connection))
            if count < self._batch:
                await self._forget()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        await stop.wait()

    async def close(self) -> None: ...

    async def _send_due(self, connection: Connection, now: datetime) -> int:
        return await store.send_due(
            connection,
            now=now,
            limit=self._batch,
            channels=self._channels,
            fold_s=self._people,
        )

    async def _send_notices(self, connection: Connection, batch: Batch) -> None:
        if not batch.notices:
            return
        bounds = {"after": batch.after, "to": batch.to}
        thresholds = {"thresholds": list(THRESHOLD_NOTICES)}
        await connection.execute(_NOTICES["to_webhooks"], bounds | thresholds)
        for channel, statement in _NOTICES_BY.items():
            if channel in self._people:
                await connection.execute(_NOTICES[statement], bounds | _table_of_notices(channel))

    async def _forget(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._forget_at_s:
            self._forget_at_s = now_s + _FORGET_EVERY_S
            async with self._outbox.transaction() as connection:
                await store.forget(connection, keep_s=self._keep_s)


def _table_of_notices(channel: Channel) -> dict[str, list[Any]]:
    """Column by column: the notices that the channel has a switch of, and who gets them."""
    defaults = {one.key: one.default for one in PREFERENCES if one.channel is channel}
    specs = [spec for spec in NOTICES if spec.key in defaults]
    return {
        "notices": [spec.notice for spec in specs],
        "keys": [spec.key for spec in specs],
        "mails": [spec.mail for spec in specs],
        "defaults": [defaults[spec.key] for spec in specs],
        "roles": list(NOTIFIED_ROLES),
    }


async def _now(connection: Connection) -> datetime:
    """The database's clock, which `muted_until` and `due_at` go by in every process."""
    row: Any = await (await connection.execute("select now()")).fetchone()
    now: datetime = row["now"]
    return now
