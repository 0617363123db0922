"""Shapes of errors, charts, stats, workers, reports and events."""

from __future__ import annotations

import datetime as dt
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, RootModel

from schemas.worker import Behavior, Cause, WorkerStatus

Rate = Annotated[
    str,
    Field(
        pattern=r"^[0-9]+\.[0-9]{2}$",
        description="Hashes per second with two decimals.",
        examples=["90697492495655.83"],
    ),
]
Interval = Literal["PT1M", "PT5M", "PT15M", "PT1H"]


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ErrorDetail(Shape):
    code: Literal[
        "invalid_input",
        "unauthorized",
        "forbidden",
        "not_found",
        "method_not_allowed",
        "conflict",
        "too_many_requests",
        "internal_error",
        "unavailable",
    ]
    message: str


class Error(Shape):
    error: ErrorDetail


class Rates(Shape):
    hashrate: Rate
    rejectrate: Rate


class Stats(Shape):
    m15: Annotated[Rates, Field(alias="15m")]
    h1: Annotated[Rates, Field(alias="1h")]
    d1: Annotated[Rates, Field(alias="1d")]
    w1: Annotated[Rates, Field(alias="1w")]


class StatsById(RootModel[dict[UUID, Stats]]):
    """Stats under each id."""


class Point(Rates):
    timestamp: Annotated[int, Field(examples=[1663848000])]


class ChartSeries(Shape):
    points: list[Point]
    status: Literal["ok"]


class ChartSeriesOrMissing(Shape):
    points: list[Point]
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


class RejectsById(RootModel[dict[UUID, Reasons]]):
    """Rejected work by reason under each id."""


class Counts(Shape):
    removed: int
    off: int
    unavailable: int
    stable: int


class Pagination(Shape):
    limit: int
    offset: int
    total_count: int


class MinerBrief(Shape):
    id: UUID
    account_name: str
    title: str | None


class Worker(Shape):
    id: UUID
    name: str
    behavior: Behavior
    status: WorkerStatus
    miner: MinerBrief
    created_at: datetime
    last_share_at: datetime | None
    stats: Stats


class WorkerList(Shape):
    data: list[Worker]
    pagination: Pagination


class Nominal(Shape):
    hashrate: Annotated[int, Field(examples=[100000000000000])]
    valid_from: datetime
    valid_until: datetime | None


class NominalSchedule(Shape):
    current: Nominal
    future: Nominal | None


class BoundaryWorker(Shape):
    id: UUID
    name: str
    behavior: Literal["boundary"]
    status: Literal["stable", "off"]
    miner: MinerBrief
    donor: MinerBrief
    hashrate: NominalSchedule
    created_at: datetime


class BoundaryWorkerList(Shape):
    data: list[BoundaryWorker]
    pagination: Pagination


class ReportedWorker(Rates):
    account_name: str
    worker_name: str
    availability: Annotated[
        float | None, Field(description="Share of the day it was stable, 0 to 1.")
    ]


class ReportedDay(Shape):
    date: dt.date
    from_: Annotated[datetime, Field(alias="from")]
    to: datetime
    complete: bool
    workers: list[ReportedWorker]


class DailyReport(Shape):
    from_: Annotated[dt.date, Field(alias="from")]
    to: dt.date
    data: list[ReportedDay]


class AvailableDay(Shape):
    date: dt.date
    complete: bool
    availability: Annotated[
        float | None, Field(description="Share of the day it was stable, 0 to 1.")
    ]


class Availability(Shape):
    from_: Annotated[dt.date, Field(alias="from")]
    to: dt.date
    data: list[AvailableDay]


class WorkerBrief(Shape):
    id: UUID
    name: str


class Transition(Shape):
    id: UUID
    type: str
    at: datetime
    worker: WorkerBrief
    from_: Annotated[WorkerStatus | None, Field(alias="from")]
    to: WorkerStatus
    cause: Cause
    number: int | None


class TransitionList(Shape):
    data: list[Transition]
    pagination: Pagination


class MinerFigures(MinerBrief):
    workers: Annotated[int, Field(description="Without removed ones.")]
    stats: Stats


class PoolTransition(Transition):
    miner: MinerBrief


class SourceEvent(Shape):
    id: UUID
    type: Literal["source-silent", "source-back"]
    at: datetime
    source: str | None
    workers: int | None
    cause: str


class ServiceHealth(Shape):
    stream_time: datetime | None
    complete_to: datetime | None
    beat_at: datetime | None
    last_flush_at: datetime | None
    partitions: int
    caught_up: bool


class PoolOverview(Shape):
    since: datetime
    top_miners: list[MinerFigures]
    biggest_drops: list[MinerFigures]
    events: list[PoolTransition | SourceEvent]
    service: ServiceHealth


class PublicPoolStats(Shape):
    hashrate: Rate
    miners: int
    fee: Annotated[str, Field(examples=["0.009"])]
    minpay: Annotated[str, Field(examples=["0.0001"])]
