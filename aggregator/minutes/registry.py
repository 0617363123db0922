"""Names → numbers: workers to dense slots of this process, slots to the ids of the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from aggregator.minutes.config import IntakeConfig
from aggregator.minutes.newcomers import KnownMiner, Newcomers
from aggregator.minutes.offsets import Connection
from aggregator.minutes.transaction import bounded
from schemas.batch import ShareBatch, WorkerKey

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
    """Every worker this process has met, for good: slots are never reused. One task owns it.

    A look-up is one dictionary get per distinct worker of a fetch; only names never met ask the
    database, all of a fetch in one round trip. Of a miner that has reached its limit all names are
    loaded once, and any other name then is its worker `(other)`, without a question. Where there is
    no room for more miners, unknown accounts are looked up, as where they are not created.
    """

    def __init__(self, config: IntakeConfig) -> None:
        self._config = config
        self._newcomers = Newcomers(config)
        self._slots: dict[WorkerKey, int] = {}
        self._worker_ids = _Column()
        self._worker_miners = _Column()
        self._miner_ids = _Column()
        self._operator_ids = _Column()
        self._miners: dict[str, KnownMiner] = {}
        self._miner_numbers: dict[int, int] = {}
        self._miners_full = False
        self._others: dict[str, int] = {}
        self._sources: dict[str, int] = {}
        self._sources_full = False

    def __len__(self) -> int:
        return len(self._slots)

    def columns_of(self, slot: NDArray[np.int64]) -> WorkerColumns:
        """Ids of the workers in `slot` (int64[n])."""
        miner = self._worker_miners.values[slot]
        return WorkerColumns(
            self._worker_ids.values[slot],
            self._miner_ids.values[miner],
            self._operator_ids.values[miner],
        )

    def missing(self, batch: ShareBatch) -> tuple[list[WorkerKey], list[str]]:
        """Workers and sources with shares in `batch` that only the database can name."""
        slots, others = self._slots, self._others
        workers = [
            key
            for key in _used(batch.worker, batch.workers)
            if key not in slots and key[0] not in others
        ]
        if self._sources_full:
            return workers, []
        sources = _used(batch.source, batch.sources)
        return workers, [name for name in sources if name not in self._sources]

    async def learn(
        self, connection: Connection, workers: Sequence[WorkerKey], sources: Sequence[str]
    ) -> None:
        """Find or create them, in a transaction of its own; running it again changes nothing."""
        async with bounded(connection, self._config):
            learned = await self._newcomers.workers(
                connection, workers, self._miners, full=self._miners_full
            )
            found = await self._newcomers.sources(connection, sources) if sources else None
        self._miners_full = learned.full
        for miner in learned.miners:
            self._miners[miner.account_name] = miner
            self._miner_number(miner)
        for key, worker_id in learned.workers.items():
            self._slot(key, worker_id)
        for account, worker_id in learned.others.items():
            self._others[account] = self._slot((account, self._newcomers.other), worker_id)
        if found is not None:
            self._sources |= found.ids
            self._sources_full = found.full

    def codes(self, batch: ShareBatch) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Slot and source id (-1: none) of each share; slot -1 is an account that is unknown."""
        slots, others = self._slots, self._others
        slot_of = np.full(len(batch.workers), UNKNOWN, np.int32)
        for code in _used_codes(batch.worker, len(batch.workers)):
            key = batch.workers[code]
            slot = slots.get(key)
            slot_of[code] = others.get(key[0], UNKNOWN) if slot is None else slot
        # The last place is that of code -1, no source.
        source_of = np.full(len(batch.sources) + 1, UNKNOWN, np.int32)
        for code in _used_codes(batch.source, len(batch.sources)):
            source_of[code] = self._sources.get(batch.sources[code], UNKNOWN)
        return slot_of[batch.worker], source_of[batch.source]

    async def refresh_operators(self, connection: Connection) -> None:
        """Notice miners that moved to another operator."""
        known = len(self._miner_numbers)
        operators = await self._newcomers.operators(connection)
        values = self._operator_ids.values
        # Miners met while the database answered brought their operators along.
        values[:known] = 0
        for miner_id, operator_id in operators:
            number = self._miner_numbers.get(miner_id)
            if number is not None:
                values[number] = operator_id

    def _slot(self, key: WorkerKey, worker_id: int) -> int:
        slot = self._slots.get(key)
        if slot is None:
            self._worker_miners.append(self._miner_number(self._miners[key[0]]))
            slot = self._slots[key] = self._worker_ids.append(worker_id)
        return slot

    def _miner_number(self, miner: KnownMiner) -> int:
        number = self._miner_numbers.get(miner.id)
        if number is None:
            self._operator_ids.append(miner.operator_id or 0)
            number = self._miner_numbers[miner.id] = self._miner_ids.append(miner.id)
        return number


def _used_codes(codes: NDArray[np.int32], size: int) -> list[int]:
    """The codes that occur, ascending, without -1: a dictionary may name far more than it uses."""
    used = np.zeros(size + 1, np.bool_)
    used[codes] = True
    return np.flatnonzero(used[:size]).tolist()


def _used(codes: NDArray[np.int32], values: Sequence[T]) -> Iterable[T]:
    return (values[code] for code in _used_codes(codes, len(values)))
