"""A mail as it is sent: plain text and HTML in the user's language.

Whatever somebody typed is shown so that no program makes a link of it; links are settings alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from aggregator.notify.catalogue import Catalogue, catalogue_of
from aggregator.notify.config import EmailConfig
from aggregator.notify.email.digest import digest_lines
from aggregator.notify.facts import facts_of
from aggregator.notify.names import unlinked, visible
from schemas.messages.notifications import FIELDS, MailKind

_SUBJECT_NAME_MAX: Final = 60


class BadMailError(Exception):
    """No message can be made of the row; the text says why."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A row of `outgoing_mails`."""

    mail_id: int
    kind: str
    to_address: str
    language: str
    fields: Mapping[str, Any]
    message_id: UUID
    created_at: datetime
    attempts: int = 0


def compose(mail: Mail, config: EmailConfig) -> EmailMessage:
    """BadMailError for an unknown kind, a missing field or an address that is none."""
    try:
        kind = MailKind(mail.kind)
    except ValueError:
        raise BadMailError(f"unknown kind {mail.kind!r}") from None
    missing = [name for name in FIELDS[kind] if not mail.fields.get(name)]
    if missing:
        raise BadMailError(f"{kind} without {', '.join(missing)}")
    try:
        return _composed(mail, kind, config)
    # What the headers refuse (a line break in an address), and a digest that is none.
    except (ValueError, KeyError, TypeError) as error:
        raise BadMailError(f"{kind}: {error!r}") from error


def _composed(mail: Mail, kind: MailKind, config: EmailConfig) -> EmailMessage:
    catalogue = catalogue_of(mail.language)
    message = EmailMessage()
    message["From"] = Address(config.sender_name, addr_spec=config.sender)
    message["To"] = Address(addr_spec=mail.to_address)
    message["Subject"] = catalogue.subjects[kind].format(name=_name(mail))
    message["Date"] = format_datetime(mail.created_at.astimezone(UTC))
    domain = config.sender.rpartition("@")[2]
    message["Message-ID"] = f"<{mail.message_id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = mail.language
    if kind is not MailKind.INVITATION:
        message["List-Unsubscribe"] = _unsubscribe(config)
    body = _Body(mail, kind, catalogue, config)
    message.set_content(body.plain())
    message.add_alternative(body.html(), subtype="html")
    return message


def _name(mail: Mail) -> str:
    name = visible(str(mail.fields.get("account_name") or mail.fields.get("title") or ""))
    return unlinked(name if len(name) <= _SUBJECT_NAME_MAX else f"{name[:_SUBJECT_NAME_MAX]}…")


def _unsubscribe(config: EmailConfig) -> str:
    address = config.unsubscribe_address or config.sender
    ways = [f"<mailto:{quote(address, safe='@+')}?subject=unsubscribe>"]
    if config.settings_url:
        ways.insert(0, f"<{config.settings_url}>")
    return ", ".join(ways)


class _Body:
    """The same content in two forms."""

    def __init__(
        self, mail: Mail, kind: MailKind, catalogue: Catalogue, config: EmailConfig
    ) -> None:
        self._sentence = catalogue.sentences[kind]
        self._facts = list(facts_of(kind, mail.fields, catalogue, shown=unlinked))
        digest = kind is MailKind.STATUS_DIGEST
        self._lines = list(digest_lines(mail.fields, catalogue)) if digest else []
        self._links: list[tuple[str, str]] = []
        if kind is MailKind.INVITATION:
            if config.invitation_url:
                code = quote(str(mail.fields["code"]), safe="")
                url = config.invitation_url.replace("{code}", code)
                self._links.append((catalogue.enter_code, url))
        elif config.settings_url:
            self._links.append((catalogue.change_settings, config.settings_url))

    def plain(self) -> str:
        parts = [self._sentence]
        if self._facts:
            parts.append("\n".join(f"{label}: {value}" for label, value in self._facts))
        if self._lines:
            parts.append("\n".join(self._lines))
        parts += [f"{label} {url}" for label, url in self._links]
        return "\n\n".join(parts) + "\n"

    def html(self) -> str:
        parts = [f"<p>{escape(self._sentence)}</p>"]
        rows = "".join(
            f"<tr><th align=left>{escape(label)}</th><td>{escape(value)}</td></tr>"
            for label, value in self._facts
        )
        if rows:
            parts.append(f"<table cellpadding=4>{rows}</table>")
        items = "".join(f"<li>{escape(line)}</li>" for line in self._lines)
        if items:
            parts.append(f"<ul>{items}</ul>")
        parts += [
            f'<p><a href="{escape(url)}">{escape(label.rstrip(":"))}</a></p>'
            for label, url in self._links
        ]
        return "<!doctype html>\n<meta charset=utf-8>\n" + "\n".join(parts) + "\n"
