"""Puts the storage policies on TimescaleDB and changes them there; says what it changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from psycopg import Connection
from psycopg.types.json import Jsonb

from aggregator.figures.policies import Policies
from schemas.named_sql import load
from schemas.rollups import FAMILIES
from schemas.windows import LEVELS, MINUTES

_SQL: Final = load("deploy", "sql/storage_policies.sql")
_REFRESH: Final = "policy_refresh_continuous_aggregate"
_COMPRESSION: Final = "policy_compression"
_RETENTION: Final = "hashgauge_retain"


class _Jobs(NamedTuple):
    """What jobs do to one relation; None where there is no such job."""

    compress_after: timedelta | None = None
    compress_every: timedelta | None = None
    refresh_start: timedelta | None = None
    refresh_end: timedelta | None = None
    refresh_every: timedelta | None = None


def apply_policies(connection: Connection[Any], policies: Policies) -> list[str]:
    """Bring jobs and chunk intervals in line with `policies`; one line for each change.

    Each relation's jobs change in one transaction; chunks that stand keep their size.
    """
    changes = [_lift_ceiling(connection)]
    found_jobs = _jobs_found(connection)
    found_chunks = dict(connection.execute(_SQL["chunk_intervals"]).fetchall())
    for relation, jobs, chunk in _wanted(policies):
        if found_chunks.get(relation) != chunk:
            connection.execute(_SQL["set_chunk_interval"], {"relation": relation, "width": chunk})
            changes.append(f"{relation}: chunks of {chunk}")
        if found_jobs.get(relation, _Jobs()) != jobs:
            _replace_jobs(connection, relation, jobs)
            changes.append(f"{relation}: {_told(jobs)}")
    changes.append(_retain(connection, policies))
    return [change for change in changes if change]


def _wanted(policies: Policies) -> Iterator[tuple[str, _Jobs, timedelta]]:
    every = policies.housekeeping_every
    for family in FAMILIES:
        minutes = _Jobs(policies.compress_minutes_after, every)
        yield family.relation(MINUTES), minutes, policies.minutes_chunk
        for level in LEVELS:
            policy = policies.level(level.name)
            jobs = _Jobs(
                policy.compress_after,
                every,
                policy.refresh_start,
                policy.refresh_end,
                policy.refresh_every,
            )
            yield family.relation(level.name), jobs, policy.chunk


def _jobs_found(connection: Connection[Any]) -> Mapping[str, _Jobs]:
    found: dict[str, _Jobs] = {}
    for relation, proc, every, after, start, end in connection.execute(_SQL["jobs"]):
        jobs = found.get(relation, _Jobs())
        if proc == _COMPRESSION:
            jobs = jobs._replace(compress_after=after, compress_every=every)
        elif proc == _REFRESH:
            jobs = jobs._replace(refresh_start=start, refresh_end=end, refresh_every=every)
        found[relation] = jobs
    return found


def _replace_jobs(connection: Connection[Any], relation: str, jobs: _Jobs) -> None:
    """Compression goes first and comes last: it may not begin inside what is refreshed."""
    parameters = {"relation": relation, **jobs._asdict()}
    with connection.transaction():
        connection.execute(_SQL["remove_compression"], parameters)
        if jobs.refresh_every is not None:
            connection.execute(_SQL["remove_refresh"], parameters)
            connection.execute(_SQL["add_refresh"], parameters)
        connection.execute(_SQL["add_compression"], parameters)


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
        "every": policies.housekeeping_every,
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


def _lift_ceiling(connection: Connection[Any]) -> str:
    """Late minutes go into compressed chunks, at 100,000 workers more than TimescaleDB's ceiling.

    Holds for every later session of this database.
    """
    if connection.execute(_SQL["ceiling_is_lifted"]).fetchone():
        return ""
    connection.execute(_SQL["lift_ceiling"])
    return "no ceiling on decompressed rows"


def _told(jobs: _Jobs) -> str:
    told = f"compressed after {jobs.compress_after}"
    if jobs.refresh_every is None:
        return told
    span = f"from {jobs.refresh_start} to {jobs.refresh_end} ago"
    return f"{told}, refreshed {span} every {jobs.refresh_every}"
