"""Who mines in the simulated pool: accounts, workers, hashrates, difficulties by vardiff."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.simulator.config import SimulatorConfig
from schemas.batch import WorkerKey
from schemas.units import difficulty_of

_FEW_ACCOUNTS: Final = 12
_WORKERS_PER_ACCOUNT: Final = 2_000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Stream(IntEnum):
    """Independent random streams: each draws from its own seed, so none disturbs another."""

    FLEET = 0
    DRIFT = 1
    PLAN = 2
    MINUTE = 3
    CLOCKS = 4
    REPEATS = 5


def generator(config: SimulatorConfig, stream: Stream, index: int = 0) -> np.random.Generator:
    """The random numbers of one purpose and one stretch of time."""
    return np.random.default_rng([config.seed, stream, index])


@dataclass(frozen=True, slots=True)
class Fleet:
    """Columns over the workers: `keys` list[n], `nominal_hps` float64[n], `home` int64[n].

    `home` is the source that a worker starts the day on.
    """

    keys: list[WorkerKey]
    nominal_hps: Floats
    home: Ints
    sources: list[str]

    def __len__(self) -> int:
        return len(self.keys)


def build_fleet(config: SimulatorConfig) -> Fleet:
    """Accounts get fewer workers the higher their number, as in real pools.

    By 1/rank, flattened at the top where there are many accounts (Mandelbrot's law), so that the
    largest of them has some 8,000 workers in a pool of any size.
    """
    random = generator(config, Stream.FLEET)
    accounts = config.accounts or max(_FEW_ACCOUNTS, config.workers // _WORKERS_PER_ACCOUNT)
    weight = 1.0 / (np.arange(1, accounts + 1) + max(0, accounts - _FEW_ACCOUNTS) / 10)
    account = np.sort(random.choice(accounts, config.workers, p=weight / weight.sum()))
    low, high = np.log(config.hashrate_min_hps), np.log(config.hashrate_max_hps)
    return Fleet(
        keys=[(f"farm_{a + 1:03d}", _worker_name(i)) for i, a in enumerate(account.tolist())],
        nominal_hps=np.exp(random.uniform(low, high, config.workers)),
        home=random.integers(0, config.sources, config.workers),
        sources=[f"stratum-{i + 1}" for i in range(config.sources)],
    )


def _worker_name(index: int) -> str:
    """Every seventh name holds a dot, as real ones do."""
    if index % 7 == 3:
        return f"rack{index // 48 + 1}.unit{index % 48 + 1}"
    return f"rig-{index + 1:04d}"


def drifted_hps(config: SimulatorConfig, fleet: Fleet, hour: int) -> Floats:
    """Hashrates in that hour: within 10 % of nominal (heat, tuning, power limits)."""
    drift = generator(config, Stream.DRIFT, hour).normal(1.0, 0.03, len(fleet))
    return fleet.nominal_hps * np.clip(drift, 0.9, 1.1)


def vardiff(config: SimulatorConfig, hashrate_hps: Floats) -> Floats:
    """Whole difficulty, at least 1, that gives a share about every `share_interval_s`."""
    ideal = np.maximum(difficulty_of(1.0, config.share_interval_s) * hashrate_hps, 1.0)
    if config.difficulties == "power_of_two":
        return np.asarray(np.exp2(np.round(np.log2(ideal))), np.float64)
    return np.rint(ideal)


def clock_skews_ms(config: SimulatorConfig) -> Ints:
    """How far each source's clock is off, int64[sources]."""
    limit = config.clock_skew_max_ms
    return generator(config, Stream.CLOCKS).integers(-limit, limit, config.sources, endpoint=True)
