"""Workers that a feed renames: they keep their ids, and answer to their former names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from aggregator.intake.workers.registration import SQL as REGISTRY_SQL
from aggregator.intake.workers.registration import KnownMiner
from aggregator.postgres.connection import Connection
from aggregator.postgres.rows import rows
from schemas.batch import WorkerKey
from schemas.names.naming import WorkerNaming
from schemas.runtime.named_sql import load

SQL: Final = load("aggregator.intake", "sql/worker_names.sql")
log: Final = structlog.get_logger(__name__)


async def rename(
    connection: Connection, namings: Sequence[WorkerNaming], miners: Mapping[str, KnownMiner]
) -> dict[WorkerKey, int | None]:
    """Before shares under the new names are looked up. Returns the names that now mean another
    worker than before, and which; None if it is still to be registered. The caller owns the
    transaction; repeating it changes nothing."""
    asked = _columns(namings, miners)
    await connection.execute(REGISTRY_SQL["lock_miners"], {"miner_ids": asked["miner_ids"]})
    accounts = {miner.id: miner.account_name for miner in miners.values()}
    changed: dict[WorkerKey, int | None] = {}
    for miner_id, name, worker_id, called in await rows(connection, SQL["named_workers"], asked):
        names = {"miner_id": miner_id, "name": name, "worker_id": worker_id}
        freed = await connection.execute(SQL["free_name"], names)
        renamed = 0
        if worker_id is not None and called != name:
            renamed = (await connection.execute(SQL["rename"], names)).rowcount
            if renamed:
                await connection.execute(SQL["add_alias"], {**names, "name": called})
                log.info("worker_renamed", worker_id=worker_id)
            else:
                log.warning("worker_not_renamed", worker_id=worker_id, because="name is taken")
        if freed.rowcount or renamed:
            changed[accounts[miner_id], name] = worker_id if renamed else None
    return changed


async def remember_keys(
    connection: Connection, namings: Sequence[WorkerNaming], miners: Mapping[str, KnownMiner]
) -> None:
    """After the shares' workers are registered."""
    await connection.execute(SQL["add_keys"], _columns(namings, miners))


def _columns(
    namings: Sequence[WorkerNaming], miners: Mapping[str, KnownMiner]
) -> dict[str, list[object]]:
    known = [naming for naming in namings if naming.account in miners]
    return {
        "miner_ids": [miners[naming.account].id for naming in known],
        "keys": [naming.key for naming in known],
        "names": [naming.name for naming in known],
    }
