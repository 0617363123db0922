"""Why a step was not taken."""

from __future__ import annotations

from typing import Final

from psycopg.errors import CheckViolation, UniqueViolation

MEANWHILE: Final = (UniqueViolation, CheckViolation)
"""Another process took a coin, a balance or a day between our reading and our writing: nothing was
changed, and the next attempt sees it."""


class RefusedError(Exception):
    """The step is not possible as things stand; nothing was changed. The message is for the person
    who asked for it."""
