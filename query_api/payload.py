"""Objects of the contract, from rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from query_api import figures
from schemas.worker import STATUS_CODES, WorkerStatus


def time_text(time: datetime | None) -> str | None:
    """RFC 3339 with `Z`, microseconds only where there are some."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def miner_brief(row: Mapping[str, Any]) -> dict[str, Any]:
    """The miner as it stands in a worker."""
    return {
        "id": str(row["miner_uid"]),
        "account_name": row["account_name"],
        "title": row["title"],
    }


def worker_item(row: Mapping[str, Any]) -> dict[str, Any]:
    """A worker as in a list."""
    return {
        "id": str(row["uid"]),
        "name": row["name"],
        "behavior": row["behavior"],
        "status": row["status"],
        "miner": miner_brief(row),
        "created_at": time_text(row["created_at"]),
        "last_share_at": time_text(row["last_share_at"]),
        "stats": orjson.Fragment(figures.stats_of(figures.sums_of(row))),
    }


def page_of(items: Sequence[Any], *, limit: int, offset: int, total_count: int) -> dict[str, Any]:
    """A list of the contract."""
    return {
        "data": items,
        "pagination": {"limit": limit, "offset": offset, "total_count": total_count},
    }


def boundary_item(row: Mapping[str, Any]) -> dict[str, Any]:
    """A boundary worker with the rate in force and the next one."""
    ends_at = row["disconnected_at"] or row["next_from"]
    current = _nominal(row["hashrate"], row["valid_from"], ends_at)
    waits = row["next_hashrate"] is not None
    return {
        "id": str(row["uid"]),
        "name": row["name"],
        "behavior": "boundary",
        "status": row["status"],
        "miner": miner_brief(row),
        "donor": {
            "id": str(row["donor_uid"]),
            "account_name": row["donor_account_name"],
            "title": row["donor_title"],
        },
        "hashrate": {
            "current": current,
            "future": _nominal(row["next_hashrate"], row["next_from"], None) if waits else None,
        },
        "created_at": time_text(row["created_at"]),
    }


def _nominal(
    hashrate: Decimal, valid_from: datetime, valid_until: datetime | None
) -> dict[str, Any]:
    return {
        # A whole number, of any size: orjson's own integers end at 2^64.
        "hashrate": orjson.Fragment(str(round(hashrate)).encode()),
        "valid_from": time_text(valid_from),
        "valid_until": time_text(valid_until),
    }


def transition_item(row: Mapping[str, Any]) -> dict[str, Any]:
    """A change of status. `number` counts the worker's transitions."""
    return {
        "id": str(row["event_id"]),
        "type": row["kind"],
        "at": time_text(row["at"]),
        "worker": {"id": str(row["worker_uid"]), "name": row["worker_name"]},
        "from": row["from_status"],
        "to": row["to_status"],
        "cause": row["cause"],
        "number": row["transition_number"],
    }


def event_item(row: Mapping[str, Any]) -> dict[str, Any]:
    """A change of status with its miner, or what a stratum server did with `workers` on it."""
    if row["worker_uid"] is None:
        return {
            "id": str(row["event_id"]),
            "type": row["kind"],
            "at": time_text(row["at"]),
            "source": row["source_name"],
            "workers": row["workers"],
            "cause": row["cause"],
        }
    return transition_item(row) | {"miner": miner_brief(row)}


def workers_summary(statuses: str | None) -> dict[str, Any]:
    """`{"count", "statuses"}` from the JSON object of counts that the database made."""
    known: dict[str, int] = orjson.loads(statuses) if statuses else {}
    counts = {status.value: known.get(status.value, 0) for status in reversed(STATUS_CODES)}
    present = sum(counts.values()) - counts[WorkerStatus.REMOVED.value]
    return {"count": present, "statuses": counts}


def owner_item(row: Mapping[str, Any]) -> dict[str, Any] | None:
    if row["owner_uid"] is None:
        return None
    return {
        "id": str(row["owner_uid"]),
        "status": row["owner_status"],
        "registered_at": time_text(row["registered_at"]),
    }


def miner_item(row: Mapping[str, Any]) -> dict[str, Any]:
    operator = row["operator_uid"]
    return {
        "id": str(row["uid"]),
        "account_name": row["account_name"],
        "title": row["title"],
        "status": row["status"],
        "wallets": [],
        "pool": {"id": str(row["pool_uid"])},
        "operator": None if operator is None else {"id": str(operator)},
        "owner": owner_item(row),
        "created_at": time_text(row["seen_from"]),
        "workers": workers_summary(row["statuses"]),
        "alerts": {
            "delay_seconds": row["alert_delay_s"],
            "muted_until": time_text(row["muted_until"]),
        },
    }


def operator_item(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["uid"]),
        "title": row["title"],
        "status": row["status"],
        "wallets": [],
        "owner": owner_item(row),
        "settings": {"default_pool_fee_for_customer": float(row["default_pool_fee"])},
        "miners": {"count": row["miners"]},
        "workers": workers_summary(row["statuses"]),
    }


def pool_item(row: Mapping[str, Any]) -> dict[str, Any]:
    """What anybody may know of a pool."""
    return {
        "id": str(row["uid"]),
        "status": row["status"],
        "title": row["title"],
        "settings": {
            "default_language": row["default_language"],
            "available_languages": list(row["available_languages"]),
        },
    }
