"""E-mail addresses as they are stored and compared."""

from __future__ import annotations

from typing import Final

from email_validator import EmailNotValidError, validate_email

MAX_LENGTH: Final = 254


def normalized(text: str) -> str:
    """The address in lower case; ValueError says what is wrong with it.

    ASCII only, a domain in other letters as Punycode (`xn--...`): some letters outside of ASCII
    lower-case into it (U+212A becomes k), so that two people would share an address.
    """
    if not text.isascii():
        raise ValueError("an e-mail address of ASCII characters is expected")
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    return (found.ascii_email or found.normalized).lower()


def normalized_or_none(text: object) -> str | None:
    """None for what is no address, from a program that may have been configured to take it."""
    try:
        return normalized(text) if isinstance(text, str) else None
    except ValueError:
        return None
