"""Shapes of what anybody may look up, and of a pool's stratum servers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from query_api.contract.figures import Counts, Rate, Stats
from query_api.contract.shape import Shape
from schemas.worker import WorkerStatus


class StratumServer(Shape):
    name: str
    workers: Annotated[int, Field(description="Seen there last, without removed ones.")]
    stable: int
    hashrate: Annotated[Rate, Field(description="Of the last 15 minutes.")]
    rejectrate: Rate
    last_share_at: datetime | None
    silent_since: Annotated[datetime | None, Field(description="Null while it is heard.")]


class StratumServers(Shape):
    data: list[StratumServer]


class PublishedRate(Shape):
    day: date
    rate_per_th: Annotated[str, Field(description="BTC for 1 TH/s and a day.")]


class PublicPoolPage(Shape):
    id: UUID
    title: str
    miners: int
    workers: Counts
    stats: Stats
    fee: Annotated[str | None, Field(description="Null unless the pool has set one.")]
    min_payout: Annotated[str | None, Field(description="In BTC; null unless set.")]
    reward_rates: Annotated[list[PublishedRate], Field(description="The last 30 days with one.")]
    servers: list[StratumServer]
    miners_are_public: Annotated[bool, Field(description="`/public/miners/{account_name}`.")]


class PublicPoolBrief(Shape):
    id: UUID
    title: str


class PublicWorker(Shape):
    name: str
    status: WorkerStatus
    last_share_at: datetime | None
    stats: Stats


class PublicMiner(Shape):
    id: UUID
    account_name: str
    created_at: datetime
    pool: PublicPoolBrief
    stats: Stats
    workers: Counts
    strongest_workers: Annotated[
        list[PublicWorker], Field(description="At most 100, by their last hour.")
    ]
