"""Thresholds: bodies that set them, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, WithJsonSchema

from query_api.contract.requests import HASHRATE_MAX, Body, number, number_or_text, text
from query_api.contract.shape import JsonObject, Shape
from query_api.http.timestamps import rfc3339_or_none, storable
from schemas.messages.thresholds import Metric, ThresholdWindow, is_too_noisy

Bound = Annotated[
    Decimal,
    BeforeValidator(number_or_text),
    Field(ge=0, le=HASHRATE_MAX, allow_inf_nan=False, decimal_places=2),
    WithJsonSchema(
        {
            "description": "In the metric's unit: hashes per second, percent, or workers; at most "
            "two decimals.",
            "anyOf": [
                {"type": "string", "pattern": r"^[0-9]{1,20}(\.[0-9]{1,2})?$"},
                {"type": "integer", "minimum": 0, "maximum": int(HASHRATE_MAX)},
            ],
            "examples": ["90", "95000000000000"],
        }
    ),
]
Lasting = Annotated[
    int,
    Field(ge=0, le=86_400, description="How long the figure must be beyond the bound."),
    BeforeValidator(number),
]
MutedUntil = Annotated[AwareDatetime, BeforeValidator(text), AfterValidator(storable)]


class NewThreshold(Body):
    """Of the miner, or of the one worker of it that `worker_id` names.

    `hashrate` and `hashrate_of_week` alert below the bound, `unavailable_workers` and `reject_pct`
    above it. `window`: what the figure is an average over; `unavailable_workers` has none."""

    metric: Metric
    bound: Bound
    worker_id: UUID | None = None
    window: ThresholdWindow | None = None
    for_seconds: Lasting = 600


class ChangedThreshold(Body):
    """What is not named stays; `muted_until` null ends the quiet."""

    bound: Bound | None = None
    window: ThresholdWindow | None = None
    for_seconds: Lasting | None = None
    muted_until: MutedUntil | None = None


class WatchedWorker(Shape):
    id: UUID
    name: str


class Threshold(Shape):
    id: UUID
    metric: Metric
    bound: str
    worker: Annotated[WatchedWorker | None, Field(description="Null: the miner as a whole.")]
    window: ThresholdWindow | None
    for_seconds: int
    muted_until: datetime | None
    created_at: datetime
    firing: bool
    breached_since: datetime | None
    measured_at: Annotated[
        datetime | None, Field(description="Stream time of the figure; null before the first one.")
    ]
    figure: Annotated[str | None, Field(description="As `measured_bound`; a hashrate in H/s.")]
    measured_bound: str | None
    error: Annotated[
        str | None,
        Field(
            description="Standard error that chance gives the figure at the bound. It alerts "
            "beyond three of them and is over one on the good side."
        ),
    ]
    too_few_shares: Annotated[
        bool, Field(description="Not even no share at all would be beyond chance in this window.")
    ]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JsonObject:
        bound, error = row["measured_bound"], row["error"]
        worker = row["worker_uid"] and {"id": str(row["worker_uid"]), "name": row["worker_name"]}
        is_below = row["metric"] in (Metric.HASHRATE, Metric.HASHRATE_OF_WEEK)
        return {
            "id": str(row["uid"]),
            "metric": row["metric"],
            "bound": f"{row['bound']:f}",
            "worker": worker,
            "window": row["window_name"],
            "for_seconds": row["for_s"],
            "muted_until": rfc3339_or_none(row["muted_until"]),
            "created_at": rfc3339_or_none(row["created_at"]),
            "firing": row["is_firing"],
            "breached_since": rfc3339_or_none(row["breached_since"]),
            "measured_at": rfc3339_or_none(row["measured_at"]),
            "figure": _decimal(row["figure"]),
            "measured_bound": _decimal(bound),
            "error": _decimal(error),
            "too_few_shares": is_below and bound is not None and is_too_noisy(bound, error),
        }


class ThresholdList(Shape):
    data: list[Threshold]


def _decimal(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"
