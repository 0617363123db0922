"""Unknown workers, miners and sources: looked up in the database, or created within limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aggregator.intake.config import IntakeConfig
from aggregator.postgres.connection import Connection
from aggregator.postgres.rows import rows
from schemas.batch import WorkerKey
from schemas.runtime.named_sql import load
from schemas.share import OTHER_WORKER

SQL: Final = load("aggregator.intake", "sql/registry.sql")


@dataclass(frozen=True, slots=True)
class KnownMiner:
    """An account that is a miner."""

    account_name: str
    id: int
    operator_id: int | None


@dataclass(slots=True)
class Registered:
    """What the database holds now: ids of workers, and `(other)` of the miners that are full.

    `full`: no miner was created for some account, and none will be for another.
    """

    miners: list[KnownMiner] = field(default_factory=list)
    workers: dict[WorkerKey, int] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)
    full: bool = False


@dataclass(frozen=True, slots=True)
class KnownSources:
    """Ids by name; `full` if no further source is created, and then `ids` holds them all."""

    ids: dict[str, int]
    full: bool


class Registration:
    """Statements of the registry; holds no state. The caller owns the transaction.

    The limits of miners and of workers per miner are exact with any number of processes: to create
    miners a process locks the pools, to create workers of a miner its row. The limit of sources may
    be exceeded by what two processes create at the same time.
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
    ) -> Registered:
        """Ids of `keys`; those of unknown accounts are left out if accounts are not created.

        `full`: an earlier answer was; miners need not be counted again.
        """
        create = self._config.create_accounts and not full
        accounts = {account for account, _ in keys}
        unknown = sorted(accounts - known.keys())
        registered = Registered(miners=await self._miners(connection, unknown, create=create))
        registered.full = full or (create and len(registered.miners) < len(unknown))
        miners = {account: known[account] for account in accounts & known.keys()}
        miners |= {miner.account_name: miner for miner in registered.miners}
        asked = [key for key in keys if key[0] in miners]
        registered.workers = await self._find(connection, asked, miners)
        unknown_workers = [key for key in asked if key not in registered.workers]
        if unknown_workers:
            await self._create(connection, unknown_workers, miners, registered)
        return registered

    async def _miners(
        self, connection: Connection, accounts: list[str], *, create: bool
    ) -> list[KnownMiner]:
        """Those of `accounts` that are miners, or become miners while there is room."""
        if not accounts:
            return []
        found = await self.known_miners(connection, accounts)
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
        return await self.known_miners(connection, accounts)

    async def known_miners(self, connection: Connection, accounts: list[str]) -> list[KnownMiner]:
        """Those of `accounts` that are miners."""
        found = await rows(connection, SQL["find_miners"], {"accounts": accounts})
        return [KnownMiner(*row) for row in found]

    async def _find(
        self, connection: Connection, keys: Iterable[WorkerKey], miners: Mapping[str, KnownMiner]
    ) -> dict[WorkerKey, int]:
        return _by_key(await rows(connection, SQL["find_workers"], _pairs(keys, miners)), miners)

    async def _create(
        self,
        connection: Connection,
        unknown_workers: Sequence[WorkerKey],
        miners: Mapping[str, KnownMiner],
        registered: Registered,
    ) -> None:
        """Create the workers there is room for; the rest of a miner's names are `(other)`."""
        by_account: dict[str, list[str]] = defaultdict(list)
        for account, name in unknown_workers:
            by_account[account].append(name)
        ids = {"miner_ids": [miners[account].id for account in by_account]}
        most: dict[int, int] = dict(await rows(connection, SQL["lock_miners"], ids))
        found = await self._find(connection, unknown_workers, miners)
        new = {
            miners[account]: [
                name for name in names if (account, name) not in found and name != self.other
            ]
            for account, names in by_account.items()
        }
        created: list[WorkerKey] = []
        full: list[str] = []
        for miner, room in (await self._room(connection, most, new)).items():
            created += [(miner.account_name, name) for name in new[miner][:room]]
            if len(new[miner]) > room:
                full.append(miner.account_name)
        created += {(account, self.other) for account in full}
        created += {key for key in unknown_workers if key[1] == self.other and key[0] not in full}
        registered.workers |= found | await self._made(connection, created, miners)
        for account in full:
            await self._load_all(connection, miners[account], registered)

    async def _room(
        self,
        connection: Connection,
        most: Mapping[int, int],
        new: Mapping[KnownMiner, Sequence[str]],
    ) -> dict[KnownMiner, int]:
        """How many more workers each miner may have.

        They are counted only where `most` (by miner id, how many were ever made) leaves no room for
        all that are new.
        """
        limit = self._config.workers_per_miner
        crowded = [miner.id for miner, names in new.items() if most[miner.id] + len(names) > limit]
        counts = dict(most)
        if crowded:
            counts |= dict.fromkeys(crowded, 0)
            asked = {"miner_ids": crowded, "other": self.other}
            counts |= dict(await rows(connection, SQL["count_workers"], asked))
        return {miner: max(0, limit - counts[miner.id]) for miner in new}

    async def _made(
        self, connection: Connection, keys: Sequence[WorkerKey], miners: Mapping[str, KnownMiner]
    ) -> dict[WorkerKey, int]:
        """Ids of `keys`, made now unless they are there already."""
        parameters = {**_pairs(keys, miners), "other": self.other}
        made = _by_key(await rows(connection, SQL["create_workers"], parameters), miners)
        there = [key for key in keys if key not in made]
        return made | (await self._find(connection, there, miners) if there else {})

    async def _load_all(
        self, connection: Connection, miner: KnownMiner, registered: Registered
    ) -> None:
        for name, worker_id in await rows(connection, SQL["workers_of"], {"miner_id": miner.id}):
            registered.workers[miner.account_name, name] = worker_id
        registered.others[miner.account_name] = registered.workers[miner.account_name, self.other]

    async def operators(self, connection: Connection) -> list[tuple[int, int]]:
        """(miner id, operator id) of all miners that belong to one."""
        return [(row[0], row[1]) for row in await rows(connection, SQL["find_operators"], {})]

    async def sources(self, connection: Connection, names: Collection[str]) -> KnownSources:
        """Ids of `names`, created if there is room; those beyond the limit are left out."""
        ids = await self._find_sources(connection, list(names))
        unknown = [name for name in names if name not in ids]
        if not unknown:
            return KnownSources(ids, full=False)
        limit = self._config.sources_limit
        await connection.execute(SQL["create_sources"], {"names": unknown, "sources_limit": limit})
        ids |= await self._find_sources(connection, unknown)
        if all(name in ids for name in unknown):
            return KnownSources(ids, full=False)
        return KnownSources(dict(await rows(connection, SQL["all_sources"], {})), full=True)

    async def _find_sources(self, connection: Connection, names: list[str]) -> dict[str, int]:
        return dict(await rows(connection, SQL["find_sources"], {"names": names}))


def _by_key(
    found: Iterable[Sequence[Any]], miners: Mapping[str, KnownMiner]
) -> dict[WorkerKey, int]:
    """Worker ids of rows of miner, name and id."""
    accounts = {miner.id: miner.account_name for miner in miners.values()}
    return {(accounts[miner_id], name): worker_id for miner_id, name, worker_id in found}


def _pairs(keys: Iterable[WorkerKey], miners: Mapping[str, KnownMiner]) -> dict[str, list[Any]]:
    pairs = [(miners[account].id, name) for account, name in keys]
    return {"miner_ids": [pair[0] for pair in pairs], "names": [pair[1] for pair in pairs]}
