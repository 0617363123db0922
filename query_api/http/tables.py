"""Lists and charts as files: the JSON of an answer, in CSV or Parquet for whoever accepts one.

The route answers as always, so that rights, filters and limits are the same; then its items become
rows, and what is nested becomes columns: `stats.15m.hashrate` is `stats_15m_hashrate_hps`.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from fastapi import Request, Response
from fastapi.routing import APIRoute

from query_api.http.accept import CSV, JSON, PARQUET, preferred
from query_api.http.responses import VARY
from query_api.http.timestamps import rfc3339
from schemas.names.csv_cell import csv_cell
from schemas.share import REJECT_REASONS

_RATES: Final = {"hashrate", "rejectrate", "effective", "expected", *REJECT_REASONS}

Row: TypeAlias = dict[str, Any]


class TableRoute(APIRoute):
    """A route that documents CSV and Parquet beside its JSON answers with them, too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()
        if PARQUET not in self.responses.get(200, {}).get("content", {}):
            return answer

        async def answer_as_asked(request: Request) -> Response:
            kind = preferred(request.headers.get("accept", ""), CSV, PARQUET)
            if kind == JSON:
                return await answer(request)
            response = await answer(_unconditional(request))
            if response.status_code != 200:
                return response
            name = request.url.path.rsplit("/", 1)[-1]
            return await asyncio.to_thread(_file, response, kind, name)

        return answer_as_asked


def _unconditional(request: Request) -> Request:
    """A browser that holds the JSON asks whether that is still so; 304 would give it the JSON."""
    headers = [pair for pair in request.scope["headers"] if pair[0] != b"if-none-match"]
    return Request({**request.scope, "headers": headers}, request.receive)


def _file(response: Response, kind: str, name: str) -> Response:
    rows = list(rows_of(orjson.loads(response.body)))
    content, ending = (as_csv(rows), "csv") if kind == CSV else (as_parquet(rows), "parquet")
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{ending}"',
        "Cache-Control": "no-store",
        "Vary": VARY,
    }
    for kept in ("X-As-Of", "Warning"):
        if kept in response.headers:
            headers[kept] = response.headers[kept]
    return Response(content, media_type=kind, headers=headers)


def rows_of(body: Mapping[str, Any]) -> Iterator[Row]:
    """A row for each item of a list, for each point of a chart."""
    data = body["data"]
    if isinstance(data, list):
        yield from (_flat(item) for item in data)
    elif "points" in data:
        yield from _points(data)
    else:
        for uid, series in data.items():
            yield from ({"id": uid} | point for point in _points(series))


def _points(series: Mapping[str, Any]) -> Iterator[Row]:
    """With whether its interval is over, if the answer knows the one that is not."""
    running = series.get("running")
    over = {"complete": True} if running else {}
    for point in series.get("points") or ():
        yield _flat(point) | over
    if running:
        yield _flat({name: running[name] for name in running if name != "to"}) | {"complete": False}


def _flat(item: Mapping[str, Any], prefix: str = "") -> Row:
    row: Row = {}
    for name, value in item.items():
        if isinstance(value, Mapping):
            row |= _flat(value, f"{prefix}{name}_")
        elif name == "timestamp":
            row[f"{prefix}time_utc"] = rfc3339(datetime.fromtimestamp(value, UTC))
        elif isinstance(value, list):
            row[prefix + name] = " ".join(str(each) for each in value)
        else:
            row[f"{prefix}{name}{'_hps' if name in _RATES else ''}"] = value
    return row


def _columns(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def as_csv(rows: Sequence[Row]) -> bytes:
    """Rates with all their digits; names are never formulas."""
    columns = _columns(rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return csv_cell(value) if isinstance(value, str) else value


def as_parquet(rows: Sequence[Row]) -> bytes:
    """Rates as numbers and times as times: a table is for computing, not for reading."""
    columns = {name: _column(name, [row.get(name) for row in rows]) for name in _columns(rows)}
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, compression="zstd")
    return file.getvalue()


def _column(name: str, values: list[Any]) -> pa.Array:
    if name.endswith("_hps"):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if name.endswith(("_at", "_utc")):
        times = [None if value is None else datetime.fromisoformat(value) for value in values]
        return pa.array(times, pa.timestamp("ms", "UTC"))
    return pa.array(values)
