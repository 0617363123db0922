"""Stratum servers of a pool: who answers there, and which is silent."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from query_api.auth.caller import scope_of
from query_api.database import Row
from query_api.http.timestamps import rfc3339_or_none
from query_api.store import look_up
from query_api.store.telemetry import Subject
from query_api.telemetry.fragments import Fragment, Fragments
from query_api.telemetry.query import Figures
from schemas.units import format_hps


@dataclass(frozen=True, slots=True)
class SourcesQuery:
    """Counts all workers of a pool, 0.4 s for a million: once for each version of the figures."""

    uids: tuple[UUID, ...]
    subject: Subject = Subject.POOL

    async def load(self, figures: Figures) -> Fragments:
        version = await figures.version_poller.current()
        pools, rows = await look_up.sources(figures.database, self.uids)
        sources: defaultdict[UUID, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            sources[row["key"]].append(_source(row))
        fragments = {
            row["uid"]: Fragment((scope_of(row),), orjson.dumps({"data": sources[row["uid"]]}))
            for row in pools
        }
        return Fragments(version, self.uids, fragments, single=True)


def _source(row: Row) -> dict[str, Any]:
    return {
        "name": row["name"],
        "workers": row["workers"],
        "stable": row["stable"],
        "hashrate": format_hps(row["accepted_15m"], 900),
        "rejectrate": format_hps(row["rejected_15m"], 900),
        "last_share_at": rfc3339_or_none(row["last_share_at"]),
        "silent_since": rfc3339_or_none(row["silent_since"]),
    }
