"""Codes of invitations: made from the invitation's id and a secret, and kept nowhere."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from uuid import UUID

from schemas.sealing import digest_of


@dataclass(frozen=True, slots=True)
class InvitationCodes:
    """64 hex digits for each id. Without a secret those of this process alone can be shown: what
    was sent before a restart still works, since only digests are compared."""

    secret: bytes

    @classmethod
    def of(cls, secret: str | None) -> InvitationCodes:
        return cls(secret.encode() if secret else secrets.token_bytes(32))

    def code(self, invitation_id: UUID) -> str:
        return hmac.new(self.secret, invitation_id.bytes, hashlib.sha256).hexdigest()

    def shown(self, invitation_id: UUID, digest: bytes) -> str | None:
        """The code again; None for one that was made with another secret."""
        code = self.code(invitation_id)
        return code if digest_of(code) == digest else None
