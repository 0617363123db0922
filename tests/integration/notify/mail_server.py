"""A real SMTP server (aiosmtpd) on a free port of this machine, which keeps what it accepted."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from ssl import SSLContext
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

USER, PASSWORD = "pool", "swordfish"


class MailServer:
    """Answers recipients and messages with what it is given, then accepts them."""

    def __init__(self) -> None:
        self.port = 0
        self.accepted: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.refuse_recipient: dict[str, list[str]] = {}
        self.refuse_data: list[str] = []
        self.attempts = 0

    def mails_to(self, address: str) -> list[EmailMessage]:
        pairs = zip(self.recipients, self.accepted, strict=True)
        return [mail for recipient, mail in pairs if recipient == address]

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: object, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.attempts += 1
        if refusals := self.refuse_recipient.get(address):
            return refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: object, envelope: Envelope
    ) -> str:
        if self.refuse_data:
            return self.refuse_data.pop(0)
        assert isinstance(envelope.content, bytes)
        mail: Any = message_from_bytes(envelope.content, policy=policy.default)
        self.accepted.append(mail)
        self.recipients.append(envelope.rcpt_tos[0])
        return "250 OK"


def _authenticate(
    server: object, session: object, envelope: object, mechanism: str, data: Any
) -> AuthResult:
    assert isinstance(data, LoginPassword)
    known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=known, handled=False)


@asynccontextmanager
async def mail_server(
    *, tls: SSLContext | None = None, starttls: SSLContext | None = None, login: bool = False
) -> AsyncIterator[MailServer]:
    found = MailServer()

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            # It does not see that the connection is encrypted as a whole, and warns of log-ins.
            warnings.simplefilter("ignore")
            return SMTP(
                found,
                hostname="localhost",
                tls_context=starttls,
                require_starttls=starttls is not None,
                auth_required=login,
                authenticator=_authenticate if login else None,
                auth_require_tls=starttls is not None,
                enable_SMTPUTF8=True,
            )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
