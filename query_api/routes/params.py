"""Parameters that several routes declare."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Final
from uuid import UUID

from fastapi import Header, Path, Query
from pydantic import AwareDatetime, BeforeValidator, Strict, TypeAdapter

from query_api.bodies import WATCHER_TOKEN_PATTERN
from query_api.series import Period

MAX_IDS = 100

Ids = Annotated[
    list[UUID],
    Query(
        alias="id",
        min_length=1,
        max_length=MAX_IDS,
        description="Which ones; repeat the key for several, at most 100.",
    ),
]
PeriodParam = Annotated[
    Period, Query(description="How far back: PT15M, PT1H, P1D or P1W. Required.")
]
_DATE_TIME: Final = TypeAdapter(AwareDatetime)
_LOOKS_LIKE_A_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]")


def _date(value: object) -> object:
    """pydantic would take a number of seconds, too."""
    return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else value


def _date_or_time(value: object) -> object:
    """Text of a date stays a date: a whole day, where pydantic would make it midnight."""
    if not isinstance(value, str) or len(value) == 10:
        return _date(value)
    if not _LOOKS_LIKE_A_TIME.match(value):
        raise ValueError("a date or a date-time is expected")
    return _DATE_TIME.validate_python(value)


Day = Annotated[date, BeforeValidator(_date), Strict()]
Moment = Annotated[date | AwareDatetime, BeforeValidator(_date_or_time)]
Limit = Annotated[int, Query(ge=1, le=100, description="Items on the page.")]
Offset = Annotated[int, Query(ge=0, le=2**31 - 1, description="Items before the page.")]


Token = Annotated[str, Path(pattern=WATCHER_TOKEN_PATTERN, description="A watcher token.")]


def distinct(uids: list[UUID]) -> tuple[UUID, ...]:
    """The ids without repeats, in their order."""
    return tuple(dict.fromkeys(uids))


Domain = Annotated[
    str | None,
    Header(
        alias="X-Headframe-Domain",
        max_length=253,
        description="The pool's domain; not needed where there is only one pool.",
    ),
]
