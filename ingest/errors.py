"""The three families of error: what to do about a failure is decided where it is raised."""

from __future__ import annotations

from schemas.topics import Reason


class IngestError(Exception):
    """Any failure that the service knows what to do about."""


class RetryableError(IngestError):
    """The world is away (broker, database, network): wait and do the same again."""


class PoisonError(IngestError):
    """This one message cannot be taken in: dead-letter it and go on."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class FatalError(IngestError):
    """Going on would lose or double shares: stop the process and say how to settle it."""
