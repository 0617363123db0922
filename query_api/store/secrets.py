"""Rows with a sealed column, opened for who may read it."""

from __future__ import annotations

from typing import Final

import structlog

from query_api.database import Row
from query_api.http.errors import UnavailableError
from schemas.sealing import Seal, SealedError

log: Final = structlog.get_logger()


def opened(row: Row, column: str, seal: Seal) -> Row:
    """UnavailableError if the key that it was sealed with is not configured here."""
    try:
        return dict(row) | {column: seal.open(row[column])}
    except SealedError as error:
        log.error("secret_not_opened", column=column, reason=str(error))
        raise UnavailableError("a stored secret cannot be opened; the log has it") from error
