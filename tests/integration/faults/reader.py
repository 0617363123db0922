"""What the database says of stream time and of statuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg


class FiguresReader:
    """Reads what intake and the leader wrote; each answer over a connection of its own."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def _rows(self, statement: LiteralString) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._url) as connection:
            return connection.execute(statement).fetchall()

    def registered(self) -> int:
        return len(self._rows("select from events where cause = 'first_share'"))

    def alarms(self) -> list[tuple[Any, ...]]:
        """(kind, worker, status, cause) of all events but first shares."""
        return self._rows(
            "select kind, workers.name, to_status, cause from events"
            " left join workers on workers.id = worker_id"
            " where cause <> 'first_share' order by events.id"
        )

    def log_of_alarms(self) -> str:
        """The same for people: when it was reported, and of when."""
        rows = self._rows(
            "select events.created_at::time(1), at::time(0), kind, account_name, workers.name,"
            " to_status, cause from events left join workers on workers.id = worker_id"
            " left join miners on miners.id = events.miner_id"
            " where cause <> 'first_share' order by events.id"
        )
        return "\n".join(" ".join(map(str, row)) for row in rows)

    def watermark(self) -> datetime:
        """The end of the last minute in the figures."""
        ((found,),) = self._rows("select watermark from leader")
        return datetime.min.replace(tzinfo=UTC) if found is None else found

    def stream_time(self) -> datetime:
        """How far the service has taken the stream in."""
        ((found,),) = self._rows("select stream_time from stream")
        assert isinstance(found, datetime)
        return found

    def outage_s(self, since: datetime) -> float:
        """The longest outage of a partition that intake has seen end since then; 0 for none."""
        rows = self._rows("select outage_from, resumed_at from intake_partitions")
        ended = [(stood, again) for stood, again in rows if again is not None and again > since]
        return max(((again - stood).total_seconds() for stood, again in ended), default=0.0)
