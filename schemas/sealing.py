"""Secrets at rest: what must be read again is stored sealed, with a key that the database lacks.

Without keys a secret is stored as it is; what was stored so is still read once there are keys.
What is only compared is stored as a hash and needs none of this.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

SEALED: Final = "sealed:"


class SealedError(ValueError):
    """None of the keys opens what is stored."""


class Seal:
    """Seals with the first key, opens with all of them. ValueError for what is no Fernet key."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        try:
            self._box = MultiFernet([Fernet(key) for key in keys]) if keys else None
        except ValueError:  # its words would show a part of the key
            raise ValueError("a sealing key is 32 bytes in URL-safe base64") from None

    def seal(self, secret: str) -> str:
        if self._box is None:
            return secret
        return SEALED + self._box.encrypt(secret.encode()).decode()

    def open(self, stored: str) -> str:
        """SealedError for what was sealed with a key that is not here."""
        if not stored.startswith(SEALED):
            return stored
        token = stored.removeprefix(SEALED).encode()
        try:
            if self._box is None:
                raise InvalidToken
            return self._box.decrypt(token).decode()
        except InvalidToken:
            message = "sealed with a key that HASHGAUGE_SEALING_KEYS does not name"
            raise SealedError(message) from None


def new_sealing_key() -> str:
    return Fernet.generate_key().decode()


def digest_of(secret: str) -> bytes:
    """What is stored of a secret that is only compared. A plain hash does: they are random, and
    longer than anybody guesses."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
