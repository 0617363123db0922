"""Mails and notices are rows for the notifier, written in the transaction that gives the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from schemas.messages.notifications import FIELDS, MailKind, Notice
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/mail.sql")


async def send_mail(
    connection: Any, kind: MailKind, *, to: str, language: str, fields: Mapping[str, str]
) -> None:
    assert set(fields) == set(FIELDS[kind])
    await connection.execute(SQL["send_mail"], kind, to, language, orjson.dumps(fields).decode())


async def publish_for_user(
    connection: Any, notice: Notice, *, event_id: Any, user_uid: Any, fields: Mapping[str, str]
) -> None:
    """A notice that concerns a user; a repeat with the same event id does nothing."""
    text = orjson.dumps(fields).decode()
    await connection.execute(SQL["publish_for_user"], event_id, notice, user_uid, text)


async def publish_for_entity(
    connection: Any, notice: Notice, *, event_id: Any, entity_id: int, fields: Mapping[str, str]
) -> None:
    """A notice that concerns a pool, an operator or a miner."""
    text = orjson.dumps(fields).decode()
    await connection.execute(SQL["publish_for_entity"], event_id, notice, entity_id, text)
