"""Shapes of figures: stats, charts, rejects, counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import Field, RootModel

from query_api.contract.shape import JsonObject, Shape
from schemas.worker import STATUS_CODES, WorkerStatus

Rate = Annotated[
    str,
    Field(
        pattern=r"^[0-9]+\.[0-9]{2}$",
        description="Hashes per second with two decimals.",
        examples=["90697492495655.82"],
    ),
]
WholeRate = Annotated[
    str,
    Field(
        pattern=r"^[0-9]+$",
        description="Whole hashes per second, cut.",
        examples=["90697492495655"],
    ),
]
Interval = Literal["PT1M", "PT5M", "PT15M", "PT1H", "PT3H", "PT6H", "P1D"]


class Rates(Shape):
    hashrate: Rate
    rejectrate: Rate


class Stats(Shape):
    m15: Annotated[Rates, Field(alias="15m")]
    h1: Annotated[Rates, Field(alias="1h")]
    d1: Annotated[Rates, Field(alias="1d")]
    w1: Annotated[Rates, Field(alias="1w")]


class WholeRates(Shape):
    hashrate: WholeRate
    rejectrate: WholeRate


class WholeStats(Shape):
    m15: Annotated[WholeRates, Field(alias="15m")]
    h1: Annotated[WholeRates, Field(alias="1h")]
    d1: Annotated[WholeRates, Field(alias="1d")]
    w1: Annotated[WholeRates, Field(alias="1w")]


class StatsById(RootModel[dict[UUID, WholeStats]]):
    """Stats under each id, in whole hashes per second."""


class Point(Rates):
    timestamp: Annotated[int, Field(examples=[1663848000])]


class Running(Point):
    """The interval that is not over: the average of [timestamp, to)."""

    to: datetime


class ChartSeries(Shape):
    """`running` is there if it was asked for, and null at the beginning of an interval."""

    points: list[Point]
    running: Running | None = None
    status: Literal["ok"]


class ChartSeriesOrMissing(Shape):
    """As a chart; what cannot be served has no points."""

    points: list[Point]
    running: Running | None = None
    status: Literal["ok", "not_found"]


class ChartSpan(Shape):
    from_: Annotated[datetime, Field(alias="from")]
    to: datetime
    interval: Interval


class Chart(ChartSpan):
    data: ChartSeries


class Charts(ChartSpan):
    data: dict[UUID, ChartSeriesOrMissing]


class Reasons(Shape):
    stale: Rate
    duplicate: Rate
    low_difficulty: Rate
    job_not_found: Rate
    unauthorized: Rate
    time_out_of_range: Rate
    invalid: Rate


class ReasonsPoint(Reasons):
    timestamp: int


class RejectSeries(Shape):
    points: list[ReasonsPoint]
    status: Literal["ok", "not_found"]


class RejectChart(ChartSpan):
    data: RejectSeries


class RejectCharts(ChartSpan):
    data: dict[UUID, RejectSeries]


class RejectsById(RootModel[dict[UUID, Reasons]]):
    """Rejected work by reason under each id."""


class Counts(Shape):
    """How many workers are in each status."""

    removed: int
    off: int
    unavailable: int
    stable: int

    @classmethod
    def of(cls, known: Mapping[str, int]) -> JsonObject:
        return {status.value: known.get(status.value, 0) for status in reversed(STATUS_CODES)}


class WorkersSummary(Shape):
    count: Annotated[int, Field(description="Without removed ones.")]
    statuses: Counts

    @classmethod
    def of(cls, statuses: str | None) -> JsonObject:
        """From the JSON object of counts that the database made."""
        counts = Counts.of(orjson.loads(statuses) if statuses else {})
        present = sum(counts.values()) - counts[WorkerStatus.REMOVED.value]
        return {"count": present, "statuses": counts}


class PublicPoolStats(Shape):
    hashrate: Rate
    miners: int
    fee: Annotated[str | None, Field(examples=["0.009"], description="Null unless set.")]
    minpay: Annotated[str | None, Field(examples=["0.0001"], description="Null unless set.")]


def decimal_number(value: Any) -> float:
    """A fee as the document has it in answers: a number."""
    return float(value)
