"""Thresholds in the database: rules beside their figures, what became of them, their events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

from psycopg.types.json import Jsonb

from aggregator.notify.outbox import Connection
from aggregator.notify.thresholds.rule import State
from schemas.messages.notifications import Notice
from schemas.messages.thresholds import Metric
from schemas.readings import Figures, Reading, outage_inside
from schemas.runtime.named_sql import load
from schemas.windows import DAY_S, WINDOWS
from schemas.worker import EVENT_NAMESPACE

_SQL: Final = load("aggregator.notify", "sql/thresholds.sql")
_WINDOWS: Final = {
    "window_names": [window.name for window in WINDOWS],
    "spans_s": [window.span_s for window in WINDOWS],
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A rule, where it stands, and the figures to measure it by."""

    id: int
    uid: UUID
    miner_id: int
    metric: Metric
    bound: float
    window_name: str | None
    for_s: int
    is_muted: bool
    event_number: int
    state: State
    figures: Figures
    worker_uid: UUID | None = None
    worker_name: str | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What one evaluation made of a rule."""

    threshold: Threshold
    state: State
    reading: Reading | None
    outcome: Notice | None


async def position_s(connection: Connection) -> int | None:
    """Up to when figures can be measured; None if they cannot."""
    row = await (await connection.execute(_SQL["leader_position"])).fetchone()
    return None if row is None else int(row["at_s"])


async def due(connection: Connection, *, after: int, limit: int) -> list[Threshold]:
    """The next rules that have not been measured at the leader's position, by id."""
    parameters = _WINDOWS | {"day_s": DAY_S, "after": after, "limit": limit}
    rows = await (await connection.execute(_SQL["figures"], parameters)).fetchall()
    return [_threshold(row) for row in rows]


async def save(connection: Connection, measured: Sequence[Measured]) -> None:
    """New states, and an event for each outcome."""
    rows = [_state_row(one) for one in measured]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    await connection.execute(_SQL["save_states"], columns)
    for one in measured:
        if one.outcome is not None:
            await connection.execute(_SQL["append_event"], _event_row(one))


def _threshold(row: Mapping[str, Any]) -> Threshold:
    state = State(row["measured_s"], row["breached_since_s"], row["is_firing"], row["is_reported"])
    return Threshold(
        id=row["id"],
        uid=row["uid"],
        miner_id=row["miner_id"],
        metric=Metric(row["metric"]),
        bound=row["bound"],
        window_name=row["window_name"],
        for_s=row["for_s"],
        is_muted=row["is_muted"],
        event_number=row["event_number"],
        state=state,
        figures=_figures(row),
        worker_uid=row["worker_uid"],
        worker_name=row["worker_name"],
    )


def _figures(row: Mapping[str, Any]) -> Figures:
    at_s, span_s = row["at_s"], row["span_s"]
    return Figures(
        at_s=at_s,
        age_s=int(row["age_s"]),
        span_s=span_s,
        accepted=row["accepted"],
        rejected=row["rejected"],
        accepted_week=row["accepted_week"],
        share_difficulty=row["share_difficulty"],
        outage_s=outage_inside(at_s, span_s, from_s=row["outage_from_s"], to_s=row["outage_to_s"]),
        unavailable=row["unavailable"],
    )


def _state_row(one: Measured) -> dict[str, Any]:
    state, reading = one.state, one.reading
    return {
        "ids": one.threshold.id,
        "measured_s": state.measured_s,
        "breached_since_s": state.breached_since_s,
        "is_firing": state.is_firing,
        "is_reported": state.is_reported,
        "event_number": one.threshold.event_number + (one.outcome is not None),
        "figure": reading and reading.figure,
        "measured_bound": reading and reading.bound,
        "error": reading and reading.error,
        "share_difficulty": one.threshold.figures.share_difficulty,
    }


def _event_row(one: Measured) -> dict[str, Any]:
    assert one.outcome is not None
    threshold = one.threshold
    return {
        "event_id": uuid5(EVENT_NAMESPACE, f"{threshold.uid}:{threshold.event_number + 1}"),
        "kind": one.outcome,
        "at_s": one.state.measured_s,
        "miner_id": threshold.miner_id,
        "fields": Jsonb(dict(_fields(one))),
    }


def _fields(one: Measured) -> Iterable[tuple[str, str]]:
    """All texts. The figure, its bound and its error are in the unit of the metric: a hashrate of
    the own week in hashes per second."""
    threshold, reading = one.threshold, one.reading
    assert reading is not None
    digits = 0 if threshold.metric is Metric.UNAVAILABLE_WORKERS else 2
    yield "threshold_id", str(threshold.uid)
    yield "metric", threshold.metric
    yield "figure", f"{reading.figure:.{digits}f}"
    yield "bound", f"{reading.bound:.{digits}f}"
    yield "error", f"{reading.error:.{digits}f}"
    if threshold.window_name is not None:
        yield "window", threshold.window_name
    if threshold.metric is Metric.HASHRATE_OF_WEEK:
        yield "percent_of_week", f"{threshold.bound:g}"
    if threshold.worker_uid is not None:
        yield "worker_id", str(threshold.worker_uid)
        yield "worker_name", threshold.worker_name or ""
