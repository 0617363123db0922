"""Making telemetry answers: which rows, which bytes, until when."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson
from fastapi import Request, Response

from query_api import figures, series
from query_api.answers import Answer, Load, Part
from query_api.auth.caller import Caller, Scope, scope_of, worker_scopes
from query_api.auth.rights import Action
from query_api.beat import Beat
from query_api.context import Context, context_of
from query_api.database import Row
from query_api.respond import respond
from query_api.series import Period, Span
from query_api.store import telemetry as store
from query_api.store.telemetry import Subject

MISSING_CHART: Final = b'{"status":"not_found","points":[]}'
STATS_INTERVAL_S: Final = 60
NOUNS: Final = {subject: subject.value for subject in Subject} | {Subject.DONOR: "miner"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for telemetry: who asks for what. `single`: the id stood in the path."""

    request: Request
    caller: Caller
    subject: Subject
    uids: tuple[UUID, ...]
    single: bool = False
    action: Action = Action.READ_TELEMETRY

    @property
    def context(self) -> Context:
        # Not a dependency of the routes: FastAPI takes 30 µs for one.
        return context_of(self.request)

    async def answer(self, kind: Hashable, load: Load) -> Response:
        return await respond(
            self.request,
            self.caller,
            context=self.context,
            action=self.action,
            key=(kind, self.subject, self.uids),
            load=load,
            what=NOUNS[self.subject],
            single=self.single,
        )


async def stats(asked: Asked) -> Response:
    """15m, 1h, 1d and 1w stats."""
    load = _load_stats(asked.context, asked.subject, asked.uids)
    return await asked.answer("stats", load)


async def chart(asked: Asked, period: Period) -> Response:
    load = _load_chart(asked.context, asked.subject, asked.uids, period=period)
    return await asked.answer(("chart", period), load)


async def rejects(asked: Asked, period: Period) -> Response:
    load = _load_rejects(asked.context, asked.subject, asked.uids, period=period)
    return await asked.answer(("rejects", period), load)


def _scopes(subject: Subject, row: Row) -> tuple[Scope, ...]:
    return worker_scopes(row) if subject is Subject.WORKER else (scope_of(row),)


def _load_stats(context: Context, subject: Subject, uids: tuple[UUID, ...]) -> Load:
    async def load() -> Answer:
        rows = await context.batches.rows(
            ("stats", subject), uids, lambda uids: store.stats(context.database, subject, uids)
        )
        beat = context.watch.observe(rows[0]) if rows else await context.watch.current()
        parts = {
            row["uid"]: Part(_scopes(subject, row), figures.stats_of(figures.sums_of(row)))
            for row in rows
        }
        return _stats_answer(beat, uids, parts)

    return load


def _stats_answer(beat: Beat, uids: tuple[UUID, ...], parts: Mapping[UUID, Part]) -> Answer:
    return Answer(
        beat,
        head=b"",
        tail=b"",
        uids=uids,
        parts=parts,
        missing=None,
        interval_s=STATS_INTERVAL_S,
        due_s=beat.complete_to_s + STATS_INTERVAL_S,
    )


def _load_chart(
    context: Context, subject: Subject, uids: tuple[UUID, ...], *, period: Period
) -> Load:
    async def load() -> Answer:
        beat = await context.watch.current()
        span = series.span_of(period, beat.complete_to_s)
        rows = await context.batches.rows(
            ("chart", subject, span),
            uids,
            lambda uids: store.chart(context.database, subject, uids, span=span),
        )
        parts = {row["uid"]: Part(_scopes(subject, row), _chart_body(span, row)) for row in rows}
        return _span_answer(beat, span, uids, parts)

    return load


def _chart_body(span: Span, row: Row) -> bytes:
    points = series.points(span, row["packed"])
    return b'{"points":%s,"status":"ok"}' % points


def _span_answer(
    beat: Beat, span: Span, uids: tuple[UUID, ...], parts: Mapping[UUID, Part]
) -> Answer:
    interval_s = span.period.spec.interval_s
    return Answer(
        beat,
        head=series.chart_head(span),
        tail=b"}",
        uids=uids,
        parts=parts,
        missing=MISSING_CHART,
        interval_s=interval_s,
        due_s=span.to_s + interval_s,
    )


def _load_rejects(
    context: Context, subject: Subject, uids: tuple[UUID, ...], *, period: Period
) -> Load:
    async def load() -> Answer:
        beat = await context.watch.current()
        span = series.span_of(period, beat.complete_to_s)
        rows: Sequence[Row] = await store.rejects(context.database, subject, uids, span=span)
        span_s, interval_s = period.spec.span_s, period.spec.interval_s
        parts = {
            row["uid"]: Part(_scopes(subject, row), orjson.dumps(figures.rejects_of(row, span_s)))
            for row in rows
        }
        due_s = span.to_s + interval_s
        return Answer(beat, b"", b"", uids, parts, None, interval_s, due_s)

    return load
