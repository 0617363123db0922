"""Parameters that several routes declare."""

from __future__ import annotations

import re
from datetime import date
from math import ceil
from time import time
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Header, Path, Query
from pydantic import AwareDatetime, BeforeValidator, Strict, TypeAdapter

from query_api.contract.requests import WATCHER_TOKEN_PATTERN
from query_api.http.errors import InvalidInputError
from query_api.http.timestamps import storable
from query_api.telemetry.charts import RANGE_MAX_S, RANGE_MIN_S, Period, Reach, TimeRange

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
RunningParam = Annotated[
    bool,
    Query(
        description="Also the interval that is not over, as `running` beside the points: `to` is "
        "the end of the last whole interval."
    ),
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
DateOrTime = Annotated[date | AwareDatetime, BeforeValidator(_date_or_time)]
Limit = Annotated[int, Query(ge=1, le=100, description="Items on the page.")]
Offset = Annotated[int, Query(ge=0, le=2**31 - 1, description="Items before the page.")]


Token = Annotated[str, Path(pattern=WATCHER_TOKEN_PATTERN, description="A watcher token.")]


_Period = Annotated[
    Period | None,
    Query(description="How far back: PT15M, PT1H, P1D or P1W. Required, unless `from` is given."),
]
_From = Annotated[
    AwareDatetime | None,
    Query(
        alias="from",
        description="Instead of a period: the beginning of any range from an hour to 13 months. "
        "Points are spaced so that there are fewer than 500.",
    ),
]
_To = Annotated[
    AwareDatetime | None,
    Query(alias="to", description="The end of the range; without it the newest figures."),
]


async def _reach(period: _Period = None, start: _From = None, end: _To = None) -> Reach:
    """InvalidInputError unless it is either a period or a range."""
    if start is None:
        if period is None:
            raise InvalidInputError("query period: is required, unless from is given")
        if end is not None:
            raise InvalidInputError("query to: from is missing")
        return period
    if period is not None:
        raise InvalidInputError("query period: either a period or from and to")
    from_s = int(start.timestamp())
    to_s = None if end is None else ceil(end.timestamp())
    # Without an end it is the newest figures', which are not far from now.
    length_s = (to_s or time()) - from_s
    if not RANGE_MIN_S <= length_s <= RANGE_MAX_S:
        raise InvalidInputError("query from, to: from an hour to 13 months apart")
    return TimeRange(
        int(storable(start).timestamp()), None if end is None else ceil(storable(end).timestamp())
    )


ReachParam = Annotated[Reach, Depends(_reach)]


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
