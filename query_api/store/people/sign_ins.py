"""A session of Kratos makes itself known: the user's row follows the identity.

The address is that of the identity, whoever had it here before: an address that changed hands in
Kratos changes hands here with the first sign-in, and nothing reaches its former holder.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from query_api.auth.kratos import Device, Identity
from query_api.database import Database, Row
from query_api.http.timestamps import rfc3339
from query_api.store.people.mail import publish_for_user
from schemas.access import UserStatus
from schemas.messages.notifications import Notice
from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/sign_ins.sql")

_BELONGINGS: Final = (
    *("move_roles", "move_keys", "move_bookmarks", "move_preferences"),
    *("move_telegram_invites", "move_telegram_chat", "move_invitations"),
)
# A header may be 8 KB long; a message shows its beginning.
_AGENT_SHOWN: Final = 200


async def welcome(database: Database, identity: Identity) -> None:
    """Bring the user's row up to date. One read if it is, which is nearly always."""
    device = None if identity.device is None else _digest(identity.device)
    known = await database.fetch_row(SQL["known"], identity.uid, device)
    if known is not None and _up_to_date(known, identity):
        return
    async with database.transaction() as connection:
        # One at a time: 20 first sign-ins at once, or two users and one address, end as one would.
        await connection.execute(SQL["lock"])
        await connection.execute(SQL["add_user"], identity.uid)
        known = await connection.fetchrow(SQL["known"], identity.uid, device)
        if known["email"] != identity.email:
            await _take_address(connection, identity.uid, identity.email)
        language = identity.language or known["language"]
        await connection.execute(SQL["set_language"], identity.uid, language)
        if identity.device is not None and not known["known_device"]:
            await connection.execute(SQL["add_device"], identity.uid, device)
            if known["other_devices"]:
                await _notify(connection, identity, identity.device)


def _up_to_date(known: Row, identity: Identity) -> bool:
    return bool(
        known["email"] == identity.email
        and identity.language in (None, known["language"])
        and (identity.device is None or known["known_device"])
    )


def _digest(device: Device) -> bytes:
    """Programs move between networks: the device is what it calls itself."""
    return hashlib.sha256(device.user_agent.encode("utf-8", "surrogatepass")).digest()


async def _take_address(connection: Any, uid: UUID, email: str | None) -> None:
    """The address, and what was given to it before its person came."""
    other = None if email is None else await connection.fetchrow(SQL["user_of_email"], email)
    if other is not None:
        await connection.execute(SQL["set_email"], other["uid"], None)
    await connection.execute(SQL["set_email"], uid, email)
    if other is not None and other["status"] == UserStatus.PENDING:
        for belonging in _BELONGINGS:
            await connection.execute(SQL[belonging], other["uid"], uid)
        await connection.execute(SQL["drop_user"], other["uid"])


async def _notify(connection: Any, identity: Identity, device: Device) -> None:
    at = await connection.fetchval(SQL["now"])
    await publish_for_user(
        connection,
        Notice.LOGIN,
        event_id=uuid5(NAMESPACE_URL, f"hashgauge:user.login:{identity.session_id}"),
        user_uid=identity.uid,
        fields={
            "at": rfc3339(at),
            "ip_address": device.ip_address,
            "user_agent": device.user_agent[:_AGENT_SHOWN],
        },
    )
