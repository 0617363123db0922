"""The three families of error: what to do about a failure is decided where it is raised."""

from __future__ import annotations

from schemas.topics import InvalidReason


class IngestError(Exception):
    """Any failure that the service knows what to do about."""


class RetryableError(IngestError):
    """Something outside is away (broker, database, network): wait and do the same again."""


class PoisonError(IngestError):
    """This one message cannot be counted: dead-letter it and go on."""

    def __init__(self, reason: InvalidReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class FatalError(IngestError):
    """Neither waiting nor skipping helps: the process or command ends, and the message says what a
    person has to do. Raised before anything is lost or counted twice."""
