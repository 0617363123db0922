"""Shapes of events: changes of status, what stratum servers did, a pool at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from query_api.contract.figures import Stats
from query_api.contract.shape import JsonObject, Page, Shape
from query_api.contract.workers import MinerBrief
from query_api.http.timestamps import rfc3339_or_none
from schemas.worker import Cause, WorkerStatus


class WorkerBrief(Shape):
    id: UUID
    name: str


class Transition(Shape):
    """A change of status. `number` counts the worker's transitions."""

    id: UUID
    type: str
    at: datetime
    worker: WorkerBrief
    from_: Annotated[WorkerStatus | None, Field(alias="from")]
    to: WorkerStatus
    cause: Cause
    number: int | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "id": str(row["event_id"]),
            "type": row["kind"],
            "at": rfc3339_or_none(row["at"]),
            "worker": {"id": str(row["worker_uid"]), "name": row["worker_name"]},
            "from": row["from_status"],
            "to": row["to_status"],
            "cause": row["cause"],
            "number": row["transition_number"],
        }


class TransitionList(Page):
    data: list[Transition]


class PoolTransition(Transition):
    miner: MinerBrief


class SourceEvent(Shape):
    """What a stratum server did with `workers` on it."""

    id: UUID
    type: Literal["source-silent", "source-back"]
    at: datetime
    source: str | None
    workers: int | None
    cause: str

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        return {
            "id": str(row["event_id"]),
            "type": row["kind"],
            "at": rfc3339_or_none(row["at"]),
            "source": row["source_name"],
            "workers": row["workers"],
            "cause": row["cause"],
        }


def pool_event(row: Mapping[str, Any]) -> JsonObject:
    """A change of status with its miner, or what a stratum server did."""
    if row["worker_uid"] is None:
        return SourceEvent.from_row(row)
    return Transition.from_row(row) | {"miner": MinerBrief.from_row(row)}


class MinerFigures(MinerBrief):
    workers: Annotated[int, Field(description="Without removed ones.")]
    stats: Stats


class ServiceHealth(Shape):
    """How fresh the figures are, and how far intake has come."""

    stream_time: datetime | None
    watermark: datetime | None
    cycle_at: datetime | None
    last_flush_at: datetime | None
    partitions: int
    caught_up: bool

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        times = ("stream_time", "watermark", "cycle_at", "last_flush_at")
        return {name: rfc3339_or_none(row[name]) for name in times} | {
            "partitions": row["partitions"],
            "caught_up": row["caught_up"],
        }


class PoolOverview(Shape):
    since: datetime
    top_miners: list[MinerFigures]
    biggest_drops: list[MinerFigures]
    events: list[PoolTransition | SourceEvent]
    service: ServiceHealth
