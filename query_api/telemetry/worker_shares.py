"""What is beside a worker's hashrate: shares as counts, uptime, its normal."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from query_api.database import Database, Row
from query_api.store.telemetry import Subject, statement
from query_api.store.workers import SQL
from query_api.telemetry.version import FiguresVersion
from query_api.telemetry.window_parts import parts_of
from schemas.readings import Figures, hashrate_error, outage_inside, own_normal
from schemas.units import format_hps, hashrate_hps
from schemas.windows import DAY_S, MINUTES, WINDOWS, WindowSpec
from schemas.worker import Behavior

NORMAL_WINDOW: Final = next(window for window in WINDOWS if window.name == "1h")
"""Long enough that a healthy worker's chance is small, and short enough to be of now."""
NOT_KNOWN: Final[dict[str, Any]] = dict.fromkeys(
    ("window", "effective", "error", "expected", "low")
)


async def share_counts(
    database: Database, uid: UUID, version: FiguresVersion
) -> dict[str, dict[str, Any]]:
    """Accepted and rejected shares in each window."""
    sql = statement("share_counts", Subject.WORKER, level=MINUTES)

    async def counted(window: WindowSpec) -> dict[str, Any]:
        parts = parts_of(window, version.watermark_s)
        (row,) = await database.fetch(sql, [uid], *parts.parameters())
        submitted = row["accepted"] + row["rejected"]
        return {
            "accepted": row["accepted"],
            "rejected": row["rejected"],
            "per_minute": round(60 * submitted / window.span_s, 3),
        }

    counts = await asyncio.gather(*map(counted, WINDOWS))
    return {window.name: found for window, found in zip(WINDOWS, counts, strict=True)}


async def normals(
    database: Database, rows: Sequence[Row], version: FiguresVersion | None
) -> dict[int, dict[str, Any]]:
    """Worker id → its hashrate beside its own normal. All null for boundary workers, and for all
    while figures prove no lack: before the first ones, and while old shares still come in."""
    unknown = {row["id"]: NOT_KNOWN for row in rows}
    ids = [row["id"] for row in rows if row["behavior"] == Behavior.HARDWARE]
    if version is None or not ids:
        return unknown
    recent = await database.fetch(
        SQL["share_difficulties"], ids, version.watermark, timedelta(seconds=DAY_S)
    )
    known = {row["worker_id"]: row for row in recent}
    return unknown | {
        row["id"]: _normal(row, known[row["id"]], version.watermark_s)
        for row in rows
        if row["id"] in known
    }


def _normal(row: Mapping[str, Any], recent: Mapping[str, Any], at_s: int) -> dict[str, Any]:
    span_s = NORMAL_WINDOW.span_s
    figures = Figures(
        at_s,
        age_s=at_s - int(row["created_at"].timestamp()),
        span_s=span_s,
        accepted=row["accepted_1h"] or 0.0,
        rejected=row["rejected_1h"] or 0.0,
        accepted_week=row["accepted_1w"] or 0.0,
        share_difficulty=recent["share_difficulty"],
        outage_s=outage_inside(
            at_s, span_s, from_s=recent["outage_from_s"], to_s=recent["outage_to_s"]
        ),
    )
    return normal_of(figures)


def normal_of(figures: Figures) -> dict[str, Any]:
    """The object of the API: hashrates in H/s, the error as a share of the effective one."""
    effective = hashrate_hps(figures.accepted, figures.span_s)
    error = hashrate_error(effective, figures)
    reading = own_normal(figures)
    return {
        "window": NORMAL_WINDOW.name,
        "effective": format_hps(figures.accepted, figures.span_s),
        "error": round(error / effective, 6) if error else None,
        "expected": None if reading is None else f"{reading.bound:.2f}",
        "low": None if reading is None else reading.is_breached,
    }
