"""Names → numbers: workers to dense indices of this process, indices to ids of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from aggregator.intake.config import IntakeConfig
from aggregator.intake.workers import naming
from aggregator.intake.workers.registration import KnownMiner, Registration
from aggregator.postgres.connection import Connection, bounded
from schemas.batch import ShareBatch, WorkerKey
from schemas.names.naming import WorkerNaming

log: Final = structlog.get_logger(__name__)

UNKNOWN: Final = -1
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WorkerColumns:
    """Ids of workers as columns: int32[n] each; operator 0 means none."""

    worker_id: NDArray[np.int32]
    miner_id: NDArray[np.int32]
    operator_id: NDArray[np.int32]


class _Column:
    """An int32 array that grows at its end, doubling."""

    def __init__(self) -> None:
        self._room = np.zeros(1_024, np.int32)
        self._size = 0

    def append(self, value: int) -> int:
        if self._size == len(self._room):
            self._room = np.concatenate((self._room, np.zeros_like(self._room)))
        self._room[self._size] = value
        self._size += 1
        return self._size - 1

    @property
    def values(self) -> NDArray[np.int32]:
        return self._room[: self._size]


class Registry:
    """Every worker this process has seen, for good: indices are never reused. One task owns it.

    A look-up is one dictionary get per distinct worker of a fetch; only unknown names go to the
    database, all of a fetch in one round trip. If a miner has reached its limit, all its names are
    loaded once, and from then on any other name is its worker `(other)` without a round trip. If
    there is no room for more miners, unknown accounts are looked up, as if creation were off.
    """

    def __init__(self, config: IntakeConfig) -> None:
        self._config = config
        self._registration = Registration(config)
        self._indices: dict[WorkerKey, int] = {}
        self._worker_ids = _Column()
        self._worker_miners = _Column()
        self._miner_ids = _Column()
        self._operator_ids = _Column()
        self._miners: dict[str, KnownMiner] = {}
        self._miner_indices: dict[int, int] = {}
        self._miners_full = False
        self._others: dict[str, int] = {}
        self._named: dict[tuple[str, str], str] = {}
        self._sources: dict[str, int] = {}
        self._sources_full = False

    def __len__(self) -> int:
        return len(self._indices)

    def columns_of(self, index: NDArray[np.int64]) -> WorkerColumns:
        """Ids of the workers in `index` (int64[n])."""
        miner = self._worker_miners.values[index]
        return WorkerColumns(
            self._worker_ids.values[index],
            self._miner_ids.values[miner],
            self._operator_ids.values[miner],
        )

    def missing(self, batch: ShareBatch) -> tuple[list[WorkerKey], list[str]]:
        """Workers and sources with shares in `batch` that have to be registered."""
        workers = _look_up(self._indices, batch.worker, batch.workers).missing
        workers = [key for key in workers if key[0] not in self._others]
        if self._sources_full:
            return workers, []
        return workers, _look_up(self._sources, batch.source, batch.sources).missing

    async def register(
        self, connection: Connection, workers: Sequence[WorkerKey], sources: Sequence[str]
    ) -> None:
        """Find or create them, in a transaction of its own; repeating it changes nothing."""
        async with bounded(connection, self._config.transaction):
            registered = await self._registration.workers(
                connection, workers, self._miners, full=self._miners_full
            )
            found = await self._registration.sources(connection, sources) if sources else None
        self._miners_full = registered.full
        for miner in registered.miners:
            self._miners[miner.account_name] = miner
            self._miner_index(miner)
        for key, worker_id in registered.workers.items():
            self._index(key, worker_id)
        for account, worker_id in registered.others.items():
            log.warning("miner_full", account=account, workers=self._config.workers_per_miner)
            self._others[account] = self._index((account, self._registration.other), worker_id)
        if found is not None:
            self._sources |= found.ids
            self._sources_full = found.full

    def new_names(self, namings: Iterable[WorkerNaming]) -> list[WorkerNaming]:
        """Those that were not applied yet, the last one of each worker."""
        last = {naming[:2]: naming for naming in namings}
        return [each for key, each in last.items() if self._named.get(key) != each.name]

    async def rename(self, connection: Connection, namings: Sequence[WorkerNaming]) -> None:
        """Before the shares under these names are registered: what has another name is renamed."""
        async with bounded(connection, self._config.transaction):
            accounts = {naming.account for naming in namings}
            for miner in await self._registration.known_miners(connection, sorted(accounts)):
                self._miners[miner.account_name] = miner
                self._miner_index(miner)
            changed = await naming.rename(connection, namings, self._miners)
        for key, worker_id in changed.items():
            self._indices.pop(key, None)
            if worker_id is not None:
                self._index(key, worker_id)

    async def remember_names(self, connection: Connection, namings: Sequence[WorkerNaming]) -> None:
        """After the shares under these names are registered."""
        async with bounded(connection, self._config.transaction):
            await naming.remember_keys(connection, namings, self._miners)
        self._named |= {each[:2]: each.name for each in namings}

    def codes(self, batch: ShareBatch) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Slot and source id (-1: none) of each share; index -1 is an account that is unknown."""
        workers = _look_up(self._indices, batch.worker, batch.workers)
        index_of = np.full(len(batch.workers), UNKNOWN, np.int32)
        index_of[workers.used] = workers.numbers_or(lambda key: self._others.get(key[0], UNKNOWN))
        sources = _look_up(self._sources, batch.source, batch.sources)
        # The last place is that of code -1, no source.
        source_of = np.full(len(batch.sources) + 1, UNKNOWN, np.int32)
        source_of[sources.used] = sources.numbers_or(lambda _: UNKNOWN)
        return index_of[batch.worker], source_of[batch.source]

    def look_again(self) -> None:
        """Limits that were reached may have room again: workers were removed, sources are gone."""
        self._others.clear()
        self._sources_full = self._miners_full = False

    async def refresh_operators(self, connection: Connection) -> None:
        """Notice miners that moved to another operator."""
        known = len(self._miner_indices)
        operators = await self._registration.operators(connection)
        values = self._operator_ids.values
        # Miners registered since the query began have their operators already.
        values[:known] = 0
        for miner_id, operator_id in operators:
            miner_index = self._miner_indices.get(miner_id)
            if miner_index is not None:
                values[miner_index] = operator_id

    def _index(self, key: WorkerKey, worker_id: int) -> int:
        index = self._indices.get(key)
        if index is None:
            self._worker_miners.append(self._miner_index(self._miners[key[0]]))
            index = self._indices[key] = self._worker_ids.append(worker_id)
        return index

    def _miner_index(self, miner: KnownMiner) -> int:
        miner_index = self._miner_indices.get(miner.id)
        if miner_index is None:
            self._operator_ids.append(miner.operator_id or 0)
            miner_index = self._miner_indices[miner.id] = self._miner_ids.append(miner.id)
        return miner_index


@dataclass(frozen=True, slots=True)
class _Found(Generic[T]):
    """The names that a batch uses, in order of their codes, and their numbers as far as known.

    used  int64[n], the codes that occur, ascending, without -1
    """

    used: NDArray[np.int64]
    names: Sequence[T]
    numbers: Sequence[int | None]

    @property
    def missing(self) -> list[T]:
        if None not in self.numbers:
            return []
        pairs = zip(self.names, self.numbers, strict=True)
        return [name for name, number in pairs if number is None]

    def numbers_or(self, otherwise: Callable[[T], int]) -> NDArray[np.int32]:
        """int32[n], the numbers; of a name that has none, what `otherwise` says."""
        numbers = self.numbers
        if None in numbers:
            pairs = zip(self.names, numbers, strict=True)
            numbers = [otherwise(name) if number is None else number for name, number in pairs]
        return np.array(numbers, np.int32)


def _look_up(known: Mapping[T, int], codes: NDArray[np.int32], values: Sequence[T]) -> _Found[T]:
    """No line of Python for each name: a fetch of single shares has as many names as shares."""
    # A dictionary may name far more than the batch uses; the last place is that of code -1.
    occurs = np.zeros(len(values) + 1, np.bool_)
    occurs[codes] = True
    used = np.flatnonzero(occurs[:-1])
    names = values if len(used) == len(values) else [values[code] for code in used.tolist()]
    return _Found(used, names, list(map(known.get, names)))
