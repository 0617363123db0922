"""A worker's week and the top hundred by hour: our tables against DuckDB and ClickHouse.

All hold the same minutes, and the hours made of them. Their answers are compared before the clock
runs; then they are asked in turns, warm, for another worker or hour each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import psycopg
import pyarrow.parquet as pq

from benchmarks.load.figures_data import database, server
from benchmarks.peers.query_engines import ClickHouse, DuckDb, Engine, Hashgauge
from benchmarks.peers.week_of_minutes import HOUR_S, MINUTES, fill, week_of_minutes
from benchmarks.results import record

WORKERS, ROUNDS = 1_000, 30
PEERS: Final = {"duckdb": "DuckDB 2.0", "clickhouse": "ClickHouse 26.9 (chDB)"}


@dataclass(frozen=True, slots=True)
class Hours:
    """What answers with hours, and how it writes their starts."""

    relation: str
    bucket: str = "bucket"
    at: str = "{}"


OURS: Final = Hours("worker_1h", "extract(epoch from bucket)::int8", "to_timestamp({})")
KEPT: Final = Hours("hours")
SUMMED: Final = Hours(
    f"(select worker_id, minutes.bucket - minutes.bucket % {HOUR_S} as bucket,"
    " sum(minutes.accepted) as accepted, sum(minutes.rejected) as rejected"
    " from minutes group by 1, 2) as summed"
)
"""Hours that a peer keeps, as we do, and hours that it sums from the minutes at each question."""

Question = Callable[[Hours, int], str]
"""SQL over such hours in the round of this number."""


def week_of_worker(hours: Hours, number: int) -> str:
    """Every hour of one worker."""
    worker = 1 + number * 37 % WORKERS
    return (
        f"select {hours.bucket} as hour, accepted, rejected from {hours.relation}"
        f" where worker_id = {worker} and {_in_week(hours)} order by hour"
    )


def top_100(hours: Hours, number: int) -> str:
    """The hundred workers with the most work in one hour."""
    hour = hours.at.format(MINUTES.start + number * 5 % 168 * HOUR_S)
    return (
        f"select worker_id, accepted from {hours.relation} where bucket = {hour}"
        " order by accepted desc, worker_id limit 100"
    )


def top_100_by_hour(hours: Hours, _number: int) -> str:
    """The same of each of the week's 168 hours."""
    return (
        f"select {hours.bucket} as hour, worker_id, accepted from (select bucket, worker_id,"
        " accepted, row_number() over (partition by bucket order by accepted desc, worker_id)"
        f" as place from {hours.relation} where {_in_week(hours)}) as ranked"
        " where place <= 100 order by hour, place"
    )


QUESTIONS: Final[Mapping[str, Question]] = {
    "week_of_worker": week_of_worker,
    "top_100": top_100,
    "top_100_by_hour": top_100_by_hour,
}


def _in_week(hours: Hours) -> str:
    first, end = (hours.at.format(second_s) for second_s in (MINUTES.start, MINUTES.stop))
    return f"bucket >= {first} and bucket < {end}"


def check(question: Question, asked: Mapping[str, tuple[Engine, Hours]]) -> None:
    """All give the same rows, to the last bit, and some."""
    for number in range(3):
        answers = {
            name: [
                [float(value) for value in row] for row in engine.ask(question(hours, number))[1]
            ]
            for name, (engine, hours) in asked.items()
        }
        assert answers["ours"]
        wrong = [name for name, rows in answers.items() if rows != answers["ours"]]
        assert not wrong, f"{question.__name__}: other rows from {', '.join(wrong)}"


def median_ms(question: Question, asked: Mapping[str, tuple[Engine, Hours]]) -> dict[str, float]:
    """What each takes, in turns so that a busy machine is busy for all."""
    seconds: dict[str, list[float]] = {name: [] for name in asked}
    for number in range(ROUNDS):
        for name, (engine, hours) in asked.items():
            seconds[name].append(engine.ask(question(hours, number))[0])
    return {name: median(each) * 1_000 for name, each in seconds.items()}


def compare(engines: Mapping[str, Engine]) -> None:
    """Check, measure and record; `engines` has ours and each of the peers."""
    asked = {"ours": (engines["ours"], OURS)}
    for peer in PEERS:
        asked |= {peer: (engines[peer], KEPT), f"{peer} minutes": (engines[peer], SUMMED)}
    for question in QUESTIONS.values():
        check(question, asked)
    for name, question in QUESTIONS.items():
        ms = median_ms(question, asked)
        for peer, version in PEERS.items():
            note = (
                f"hours of a week of {WORKERS:,} workers: {ms['ours']:.2f} ms from our rollup on "
                f"plain PostgreSQL, {ms[peer]:.2f} ms from hours kept there, "
                f"{ms[f'{peer} minutes']:.2f} ms from its minutes; median of {ROUNDS}"
            )
            record(f"{name}_vs_{peer}", ms[peer] / ms["ours"], "x", version, note)


async def main() -> None:
    """Fill all three, then ask."""
    minutes = week_of_minutes(WORKERS)
    with TemporaryDirectory(prefix="hashgauge-bench-") as scratch, server() as started:
        parquet = Path(scratch) / "minutes.parquet"
        pq.write_table(minutes, parquet)
        async with database(started, workers=WORKERS) as filled:
            await fill(filled, minutes)
            url = started.url(filled.info.dbname)
            with psycopg.connect(url, autocommit=True) as connection:
                clickhouse = ClickHouse(parquet, Path(scratch) / "clickhouse")
                try:
                    duckdb = DuckDb(parquet, Path(scratch) / "duck.db")
                    ours = Hashgauge(connection)
                    compare({"ours": ours, "duckdb": duckdb, "clickhouse": clickhouse})
                finally:
                    clickhouse.stop()


def test_queries_against_duckdb_and_clickhouse(benchmark: Any) -> None:
    """Medians of their own; the clock of the plugin only frames them."""
    benchmark.pedantic(lambda: asyncio.run(main()), rounds=1)


if __name__ == "__main__":
    asyncio.run(main())
