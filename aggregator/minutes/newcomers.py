"""Workers, miners and sources met for the first time: found, or made within limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aggregator.minutes.config import IntakeConfig
from aggregator.minutes.offsets import Connection
from schemas.batch import WorkerKey
from schemas.named_sql import load
from schemas.share import OTHER_WORKER

SQL: Final = load("aggregator.minutes", "sql/registry.sql")


@dataclass(frozen=True, slots=True)
class KnownMiner:
    """An account that is a miner."""

    account_name: str
    id: int
    operator_id: int | None


@dataclass(slots=True)
class Learned:
    """What the database knows now: ids of workers, and `(other)` of the miners that are full.

    `full`: there was no room for some account, and there will be none for another.
    """

    miners: list[KnownMiner] = field(default_factory=list)
    workers: dict[WorkerKey, int] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)
    full: bool = False


@dataclass(frozen=True, slots=True)
class KnownSources:
    """Ids by name; `full` where no further source is made, and `ids` holds them all."""

    ids: dict[str, int]
    full: bool


class Newcomers:
    """Statements of the registry; holds no state. The caller owns the transaction.

    The limits of miners and of workers per miner are exact with any number of processes: whoever
    makes miners holds the pools, and whoever makes workers of a miner its row. That of sources may
    be passed by what two processes make at the same time.
    """

    other: Final = OTHER_WORKER

    def __init__(self, config: IntakeConfig) -> None:
        self._config = config

    async def workers(
        self,
        connection: Connection,
        keys: Sequence[WorkerKey],
        known: Mapping[str, KnownMiner],
        *,
        full: bool = False,
    ) -> Learned:
        """Ids of `keys`; those of unknown accounts are left out where accounts are not created.

        `full`: an answer has said so before, and nobody need count miners again.
        """
        create = self._config.create_accounts and not full
        accounts = {account for account, _ in keys}
        strange = sorted(accounts - known.keys())
        learned = Learned(miners=await self._miners(connection, strange, create=create))
        learned.full = full or (create and len(learned.miners) < len(strange))
        miners = {account: known[account] for account in accounts & known.keys()}
        miners |= {miner.account_name: miner for miner in learned.miners}
        asked = [key for key in keys if key[0] in miners]
        learned.workers = await self._find(connection, asked, miners)
        strangers = [key for key in asked if key not in learned.workers]
        if strangers:
            await self._admit(connection, strangers, miners, learned)
        return learned

    async def _miners(
        self, connection: Connection, accounts: list[str], *, create: bool
    ) -> list[KnownMiner]:
        """Those of `accounts` that are miners, or are made such while there is room."""
        if not accounts:
            return []
        found = await self._find_miners(connection, accounts)
        if len(found) == len(accounts) or not create:
            return found
        names = {miner.account_name for miner in found}
        title = self._config.default_pool_title
        await connection.execute(SQL["lock_pools"])
        await connection.execute(SQL["create_pool"], {"title": title})
        await connection.execute(
            SQL["create_miners"],
            {
                "title": title,
                "accounts": [name for name in accounts if name not in names],
                "miners_limit": self._config.miners_limit,
            },
        )
        return await self._find_miners(connection, accounts)

    async def _find_miners(self, connection: Connection, accounts: list[str]) -> list[KnownMiner]:
        rows = await _rows(connection, "find_miners", {"accounts": accounts})
        return [KnownMiner(*row) for row in rows]

    async def _find(
        self, connection: Connection, keys: Iterable[WorkerKey], miners: Mapping[str, KnownMiner]
    ) -> dict[WorkerKey, int]:
        accounts = {miner.id: miner.account_name for miner in miners.values()}
        rows = await _rows(connection, "find_workers", _pairs(keys, miners))
        return {(accounts[miner_id], name): worker_id for miner_id, name, worker_id in rows}

    async def _admit(
        self,
        connection: Connection,
        strangers: Sequence[WorkerKey],
        miners: Mapping[str, KnownMiner],
        learned: Learned,
    ) -> None:
        """Create the workers there is room for; the rest of a miner's names are `(other)`."""
        by_account: dict[str, list[str]] = defaultdict(list)
        for account, name in strangers:
            by_account[account].append(name)
        ids = {"miner_ids": [miners[account].id for account in by_account], "other": self.other}
        await connection.execute(SQL["lock_miners"], ids)
        counts = dict(await _rows(connection, "count_workers", ids))
        found = await self._find(connection, strangers, miners)
        admitted: list[WorkerKey] = []
        full: list[str] = []
        for account, names in by_account.items():
            fresh = [name for name in names if (account, name) not in found and name != self.other]
            room = max(0, self._config.workers_per_miner - counts.get(miners[account].id, 0))
            admitted += [(account, name) for name in fresh[:room]]
            if len(fresh) > room:
                full.append(account)
        admitted += {(account, self.other) for account in full}
        admitted += {key for key in strangers if key[1] == self.other and key[0] not in full}
        await connection.execute(SQL["create_workers"], _pairs(admitted, miners))
        learned.workers |= found | await self._find(connection, admitted, miners)
        for account in full:
            await self._load_all(connection, miners[account], learned)

    async def _load_all(self, connection: Connection, miner: KnownMiner, learned: Learned) -> None:
        for name, worker_id in await _rows(connection, "workers_of", {"miner_id": miner.id}):
            learned.workers[miner.account_name, name] = worker_id
        learned.others[miner.account_name] = learned.workers[miner.account_name, self.other]

    async def operators(self, connection: Connection) -> list[tuple[int, int]]:
        """(miner id, operator id) of all miners that belong to one."""
        return [(row[0], row[1]) for row in await _rows(connection, "find_operators", {})]

    async def sources(self, connection: Connection, names: Collection[str]) -> KnownSources:
        """Ids of `names`, made where there is room; those beyond the limit are left out."""
        ids = await self._find_sources(connection, list(names))
        strangers = [name for name in names if name not in ids]
        if not strangers:
            return KnownSources(ids, full=False)
        limit = self._config.sources_limit
        await connection.execute(
            SQL["create_sources"], {"names": strangers, "sources_limit": limit}
        )
        ids |= await self._find_sources(connection, strangers)
        if all(name in ids for name in strangers):
            return KnownSources(ids, full=False)
        return KnownSources(dict(await _rows(connection, "all_sources", {})), full=True)

    async def _find_sources(self, connection: Connection, names: list[str]) -> dict[str, int]:
        return dict(await _rows(connection, "find_sources", {"names": names}))


def _pairs(keys: Iterable[WorkerKey], miners: Mapping[str, KnownMiner]) -> dict[str, list[Any]]:
    pairs = [(miners[account].id, name) for account, name in keys]
    return {"miner_ids": [pair[0] for pair in pairs], "names": [pair[1] for pair in pairs]}


async def _rows(connection: Connection, name: str, params: Mapping[str, Any]) -> list[Any]:
    cursor = await connection.execute(SQL[name], params)
    return await cursor.fetchall()
