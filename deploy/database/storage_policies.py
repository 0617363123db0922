"""Puts the storage policies on TimescaleDB and changes them there; says what it changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from psycopg import Connection
from psycopg.types.json import Jsonb

from aggregator.figures.rollups.retention import Policies
from schemas.rollups import FAMILIES
from schemas.runtime.named_sql import load
from schemas.windows import LEVELS, MINUTES

_SQL: Final = load("deploy", "sql/storage_policies.sql")
_RETENTION: Final = "hashgauge_retain"


class _Jobs(NamedTuple):
    """What jobs do to one relation; None where there is no such job."""

    compress_after: timedelta | None = None
    compress_every: timedelta | None = None


def apply_policies(connection: Connection[Any], policies: Policies) -> list[str]:
    """Bring jobs and chunk intervals in line with `policies`; one line for each change.

    Each relation's jobs change in one transaction; chunks that stand keep their size.
    """
    changes = [_lift_limit(connection)]
    found_jobs = _jobs_found(connection)
    found_chunks = dict(connection.execute(_SQL["chunk_intervals"]).fetchall())
    for relation, jobs, chunk, bucket in _wanted(policies):
        if found_chunks.get(relation) != chunk:
            connection.execute(_SQL["set_chunk_interval"], {"relation": relation, "width": chunk})
            changes.append(f"{relation}: chunks of {chunk}")
        if found_jobs.get(relation, _Jobs()) != jobs:
            _replace_jobs(connection, relation, jobs, bucket)
            changes.append(f"{relation}: {_told(jobs)}")
    changes += _stop_refreshes(connection)
    changes.append(_retain(connection, policies))
    return [change for change in changes if change]


def _wanted(
    policies: Policies,
) -> Iterator[tuple[str, _Jobs, timedelta, timedelta | None]]:
    """Relation, its jobs, the width of its chunks and, of an aggregate, of its buckets."""
    every = policies.maintenance_every
    for family in FAMILIES:
        minutes = _Jobs(policies.compress_minutes_after, every)
        yield family.relation(MINUTES), minutes, policies.minutes_chunk, None
        for level in LEVELS:
            policy = policies.level(level.name)
            jobs = _Jobs(policy.compress_after, every)
            bucket = timedelta(seconds=level.width_s)
            yield family.relation(level.name), jobs, policy.chunk, bucket


def _jobs_found(connection: Connection[Any]) -> Mapping[str, _Jobs]:
    return {
        relation: _Jobs(compress_after=after, compress_every=every)
        for relation, every, after in connection.execute(_SQL["jobs"])
    }


def _replace_jobs(
    connection: Connection[Any], relation: str, jobs: _Jobs, bucket: timedelta | None
) -> None:
    """Compression goes first and comes last: it may not begin inside what is refreshed."""
    parameters = {"relation": relation, "bucket": bucket, **jobs._asdict()}
    with connection.transaction():
        connection.execute(_SQL["remove_compression"], parameters)
        if bucket is not None:
            connection.execute(_SQL["remove_refresh"], parameters)
            connection.execute(_SQL["add_idle_refresh"], parameters)
        connection.execute(_SQL["add_compression"], parameters)


def _stop_refreshes(connection: Connection[Any]) -> Iterator[str]:
    """The leader refreshes what stream time has completed; a job knows the wall clock only."""
    for job_id, relation in connection.execute(_SQL["refresh_jobs"]).fetchall():
        connection.execute(_SQL["stop_job"], {"job_id": job_id})
        yield f"{relation}: no refresh by the wall clock"


def _retain(connection: Connection[Any], policies: Policies) -> str:
    """Retention is one job of ours, which goes by stream time."""
    keep = {
        family.relation(level): f"{round(span.total_seconds())} seconds"
        for family in FAMILIES
        for level in (MINUTES, *(level.name for level in LEVELS))
        if (span := policies.keep(level)) is not None
    }
    parameters = {
        "proc": _RETENTION,
        "every": policies.maintenance_every,
        "config": Jsonb({"keep": keep}),
    }
    if connection.execute(_SQL["retention_is_so"], parameters).fetchone():
        return ""
    with connection.transaction():
        connection.execute(_SQL["remove_retention"], parameters)
        connection.execute(_SQL["add_retention"], parameters)
    return "retention: " + ", ".join(
        f"{level} {policies.keep(level) or 'kept'}"
        for level in (MINUTES, *(level.name for level in LEVELS))
    )


def _lift_limit(connection: Connection[Any]) -> str:
    """Late minutes go into compressed chunks, at 100,000 workers more than TimescaleDB's limit.

    Holds for every later session of this database.
    """
    if connection.execute(_SQL["limit_is_lifted"]).fetchone():
        return ""
    connection.execute(_SQL["lift_limit"])
    return "no limit on decompressed rows"


def _told(jobs: _Jobs) -> str:
    return f"compressed after {jobs.compress_after}"
