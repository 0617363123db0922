"""What is asked of the figures. A question is its own cache key, and knows how it loads.

route → TelemetryQuery → ResponseCache → response
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import UUID

import orjson

from query_api.auth.caller import Scope, scope_of, worker_scopes
from query_api.database import Database, Row
from query_api.store.telemetry import Subject, scopes_statement, statement
from query_api.telemetry import charts, windows
from query_api.telemetry.charts import KEPT_S, Period, Reach, Span
from query_api.telemetry.fragments import Fragment, Fragments
from query_api.telemetry.loader import Loader
from query_api.telemetry.version import FiguresVersion, VersionPoller
from query_api.telemetry.window_parts import WINDOW_OF_SPAN, WindowParts, parts_of, whole_span
from schemas.windows import MINUTES

MISSING_CHART: Final = b'{"status":"not_found","points":[]}'


@dataclass(frozen=True, slots=True)
class Figures:
    """Where figures are read."""

    database: Database
    loader: Loader
    version_poller: VersionPoller
    kept_s: Mapping[str, int] = field(default_factory=lambda: KEPT_S)
    """how far back each level of rollups reaches"""


class TelemetryQuery(Protocol):
    """A question about some workers, miners, operators or pools. Hashable: equal questions have
    equal answers as of one version."""

    @property
    def subject(self) -> Subject: ...

    @property
    def uids(self) -> tuple[UUID, ...]: ...

    async def load(self, figures: Figures) -> Fragments:
        """The answer for all who may ask, a fragment for each id that exists."""
        ...


@dataclass(frozen=True, slots=True)
class StatsQuery:
    """15m, 1h, 1d and 1w stats."""

    subject: Subject
    uids: tuple[UUID, ...]

    async def load(self, figures: Figures) -> Fragments:
        rows = await figures.loader.fetch(
            statement("stats", self.subject, level="figures"), self.uids
        )
        version = await _version_of(rows, figures.version_poller)
        fragments = {
            row["uid"]: Fragment(_scopes(self.subject, row), self._body(row)) for row in rows
        }
        return Fragments(version, self.uids, fragments, single=self.subject.stands_in_path)

    def _body(self, row: Row) -> bytes:
        # By the document stats by id are whole numbers; those of a path have two decimals.
        write = windows.stats_of if self.subject.stands_in_path else windows.whole_stats_of
        return write(windows.sums_of(row))


@dataclass(frozen=True, slots=True)
class ChartQuery:
    subject: Subject
    uids: tuple[UUID, ...]
    reach: Reach
    running: bool = False
    """with the interval that is not over, beside the points"""

    async def load(self, figures: Figures) -> Fragments:
        version = await figures.version_poller.current()
        span = charts.span_of(self.reach, version.watermark_s, figures.kept_s)
        sql = statement("chart", self.subject, level=span.interval.level)
        rows = await figures.loader.fetch(sql, self.uids, span.start, span.end)
        running = await self._running(figures, span, version) if self.running else {}
        fragments = {
            row["uid"]: Fragment(
                _scopes(self.subject, row), _chart(span, row, running.get(row["uid"], b""))
            )
            for row in rows
        }
        return _chart_fragments(self, version, span, fragments)

    async def _running(
        self, figures: Figures, span: Span, version: FiguresVersion
    ) -> dict[UUID, bytes]:
        if not charts.reaches_running(self.reach, span):
            return dict.fromkeys(self.uids, charts.NOT_RUNNING)
        accepted, rejected = dict.fromkeys(self.uids, 0.0), dict.fromkeys(self.uids, 0.0)
        for level, from_s, to_s in charts.running_parts(span, version.watermark_s):
            sql = statement("running", self.subject, level=level)
            start, end = (datetime.fromtimestamp(at_s, UTC) for at_s in (from_s, to_s))
            for row in await figures.loader.fetch(sql, self.uids, start, end):
                accepted[row["uid"]] += row["accepted"]
                rejected[row["uid"]] += row["rejected"]
        return {
            uid: charts.running(span, version.watermark_s, accepted[uid], rejected[uid])
            for uid in self.uids
        }


@dataclass(frozen=True, slots=True)
class RejectsQuery:
    """Rejected work by reason over the window of a period, the one whose `rejectrate` is in the
    stats; or over a range."""

    subject: Subject
    uids: tuple[UUID, ...]
    reach: Reach

    async def load(self, figures: Figures) -> Fragments:
        version = await figures.version_poller.current()
        parts, level, span_s = self._parts(version.watermark_s, figures.kept_s)
        sql = statement("rejects", self.subject, level=level)
        rows = await figures.database.fetch(sql, self.uids, *parts.parameters())
        fragments = {
            row["uid"]: Fragment(
                _scopes(self.subject, row), orjson.dumps(windows.rejects_of(row, span_s))
            )
            for row in rows
        }
        return Fragments(version, self.uids, fragments, single=self.subject.stands_in_path)

    def _parts(self, watermark_s: int, kept_s: Mapping[str, int]) -> tuple[WindowParts, str, int]:
        """Which rows, of which level beside quarters and hours, and how many seconds they are."""
        if isinstance(self.reach, Period):
            window = WINDOW_OF_SPAN[self.reach.spec.span_s]
            return parts_of(window, watermark_s), MINUTES, window.span_s
        span = charts.span_of(self.reach, watermark_s, kept_s)
        parts = whole_span(span.from_s, span.to_s)
        return parts, span.interval.level, max(1, span.length_s)


@dataclass(frozen=True, slots=True)
class RejectChartQuery:
    """Rejected work by reason over time."""

    subject: Subject
    uids: tuple[UUID, ...]
    reach: Reach

    async def load(self, figures: Figures) -> Fragments:
        version = await figures.version_poller.current()
        span = charts.span_of(self.reach, version.watermark_s, figures.kept_s)
        sql = statement("reject_chart", self.subject, level=span.interval.level)
        rows = await figures.loader.fetch(sql, self.uids, span.start, span.end)
        fragments = {
            row["uid"]: Fragment(
                _scopes(self.subject, row),
                b'{"points":%s,"status":"ok"}' % charts.reason_points(span, row["packed"]),
            )
            for row in rows
        }
        return _chart_fragments(self, version, span, fragments)


def _chart_fragments(
    query: ChartQuery | RejectChartQuery,
    version: FiguresVersion,
    span: Span,
    fragments: Mapping[UUID, Fragment],
) -> Fragments:
    return Fragments(
        version,
        query.uids,
        fragments,
        single=query.subject.stands_in_path,
        head=charts.chart_head(span),
        tail=b"}",
        missing=MISSING_CHART,
    )


async def scopes_of(figures: Figures, query: TelemetryQuery) -> dict[UUID, tuple[Scope, ...]]:
    """From where each id may be seen, read anew."""
    rows = await figures.loader.fetch(scopes_statement(query.subject), query.uids)
    return {row["uid"]: _scopes(query.subject, row) for row in rows}


def _chart(span: Span, row: Row, running: bytes) -> bytes:
    return b'{"points":%s,%s"status":"ok"}' % (charts.points(span, row["packed"]), running)


def _scopes(subject: Subject, row: Row) -> tuple[Scope, ...]:
    return worker_scopes(row) if subject is Subject.WORKER else (scope_of(row),)


async def _version_of(rows: Sequence[Row], poller: VersionPoller) -> FiguresVersion:
    """The version that stands beside the figures; without any row the newest one known."""
    return poller.observe(rows[0]) if rows else await poller.current()
