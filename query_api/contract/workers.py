"""Shapes of workers, boundary workers and their reports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import Field

from query_api.contract.figures import Rate, Rates, Stats
from query_api.contract.shape import JsonObject, Page, Shape
from query_api.contract.worker_labels import Labels
from query_api.http.timestamps import rfc3339_or_none
from query_api.telemetry import windows
from schemas.worker import Behavior, WorkerStatus


class MinerBrief(Shape):
    """The miner as it stands in a worker."""

    id: UUID
    account_name: str
    title: str | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "id": str(row["miner_uid"]),
            "account_name": row["account_name"],
            "title": row["title"],
        }


class Worker(Shape):
    id: UUID
    name: str
    behavior: Behavior
    status: WorkerStatus
    miner: MinerBrief
    created_at: datetime
    last_share_at: datetime | None
    stats: Stats

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "id": str(row["uid"]),
            "name": row["name"],
            "behavior": row["behavior"],
            "status": row["status"],
            "miner": MinerBrief.from_row(row),
            "created_at": rfc3339_or_none(row["created_at"]),
            "last_share_at": rfc3339_or_none(row["last_share_at"]),
            "stats": orjson.Fragment(windows.stats_of(windows.sums_of(row))),
        }


class Hardware(Shape):
    """What shares said of a worker beside its work, if its feed knows that."""

    best_difficulty: Annotated[
        float | None, Field(description="The best that an accepted share reached.")
    ]
    best_difficulty_at: datetime | None
    agent: Annotated[
        str | None, Field(description="Mining software, as the newest share named it.")
    ]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "best_difficulty": row["best_difficulty"],
            "best_difficulty_at": rfc3339_or_none(row["best_at"]),
            "agent": row["agent"],
        }


class Normal(Shape):
    """The hashrate from shares beside the worker's own normal. Shares come by chance, so that a
    figure of n shares has an error of 1 / √n. Null: not known, or a boundary worker."""

    window: Annotated[str | None, Field(description="What `effective` is the average over.")]
    effective: Annotated[Rate | None, Field(description="H/s, from accepted shares.")]
    error: Annotated[
        float | None,
        Field(description="Standard deviation by chance, as a share of `effective`."),
    ]
    expected: Annotated[
        Rate | None,
        Field(description="H/s, the mean of its own last seven days; null for less than a day."),
    ]
    low: Annotated[
        bool | None, Field(description="Below `expected` by more than three standard deviations.")
    ]


class ShareCounts(Shape):
    accepted: int
    rejected: int
    per_minute: Annotated[float, Field(description="Of both.")]


class WindowCounts(Shape):
    m15: Annotated[ShareCounts, Field(alias="15m")]
    h1: Annotated[ShareCounts, Field(alias="1h")]
    d1: Annotated[ShareCounts, Field(alias="1d")]
    w1: Annotated[ShareCounts, Field(alias="1w")]


class ListedWorker(Worker):
    """A worker in a list. `normal` and `labels` are beyond the document."""

    normal: Normal
    labels: Annotated[
        Labels | None, Field(description="Null for a watcher link, which does not see them.")
    ]

    @classmethod
    def listed(
        cls, row: Mapping[str, Any], normal: JsonObject, labels: JsonObject | None
    ) -> JsonObject:
        return {**Worker.from_row(row), "normal": normal, "labels": labels}


class WorkerDetails(ListedWorker):
    """A worker as in a list, and more. `hardware`, `shares` and `uptime` are beyond the
    document."""

    hardware: Hardware
    shares: Annotated[WindowCounts | None, Field(description="Null before the first figures.")]
    uptime: Annotated[
        float | None,
        Field(description="Share of the last seven UTC days that it was stable, 0 to 1."),
    ]


class RandomName(Shape):
    name: Annotated[str, Field(pattern=r"^[a-z]+_[a-z]+_[0-9]{4}$", examples=["brisk_otter_0417"])]


class WorkerList(Page):
    data: list[ListedWorker]


class Nominal(Shape):
    hashrate: Annotated[int, Field(examples=[100000000000000])]
    valid_from: datetime
    valid_until: datetime | None

    @classmethod
    def of(
        cls, hashrate: Decimal, valid_from: datetime, valid_until: datetime | None
    ) -> JsonObject:
        return {
            # A whole number of any size: orjson's own integers end at 2^64.
            "hashrate": orjson.Fragment(str(round(hashrate)).encode()),
            "valid_from": rfc3339_or_none(valid_from),
            "valid_until": rfc3339_or_none(valid_until),
        }


class NominalSchedule(Shape):
    current: Nominal
    future: Nominal | None


class BoundaryWorker(Shape):
    """A boundary worker with the rate in force and the next one."""

    id: UUID
    name: str
    behavior: Literal["boundary"]
    status: Literal["stable", "off"]
    miner: MinerBrief
    donor: MinerBrief
    hashrate: NominalSchedule
    created_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        ends_at = row["disconnected_at"] or row["next_from"]
        changes = row["next_hashrate"] is not None
        return {
            "id": str(row["uid"]),
            "name": row["name"],
            "behavior": "boundary",
            "status": row["status"],
            "miner": MinerBrief.from_row(row),
            "donor": {
                "id": str(row["donor_uid"]),
                "account_name": row["donor_account_name"],
                "title": row["donor_title"],
            },
            "hashrate": {
                "current": Nominal.of(row["hashrate"], row["valid_from"], ends_at),
                "future": Nominal.of(row["next_hashrate"], row["next_from"], None)
                if changes
                else None,
            },
            "created_at": rfc3339_or_none(row["created_at"]),
        }


class BoundaryWorkerList(Page):
    data: list[BoundaryWorker]


Share = Annotated[float | None, Field(description="Share of the day it was stable, 0 to 1.")]


class ReportedWorker(Rates):
    account_name: str
    worker_name: str
    availability: Share


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
    availability: Share


class Availability(Shape):
    from_: Annotated[dt.date, Field(alias="from")]
    to: dt.date
    data: list[AvailableDay]
