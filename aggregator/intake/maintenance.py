"""What intake does now and then beside its flushes: operators anew, old producers forgotten."""

from __future__ import annotations

from typing import Final

from aggregator.intake.config import IntakeConfig
from aggregator.intake.workers.registry import Registry
from aggregator.postgres.connection import Connection, bounded
from schemas.runtime.clock import Clock
from schemas.runtime.named_sql import load

SQL: Final = load("aggregator.intake", "sql/flush.sql")

# Forgetting old producers saves room, nothing depends on when it is done.
_EXPIRE_EVERY_S: Final = 600.0


class Maintenance:
    """Knows what is due; each task may be repeated or left out freely."""

    def __init__(self, config: IntakeConfig, registry: Registry, clock: Clock) -> None:
        self._config = config
        self._registry = registry
        self._clock = clock
        self._refreshed_s = self._expired_s = clock.monotonic_s()

    @property
    def due(self) -> bool:
        """Whether `run` would do anything."""
        return self._clock.monotonic_s() - self._refreshed_s >= self._config.operator_refresh_s

    async def run(self, connection: Connection) -> None:
        """Miners that moved to another operator; producers that are long gone."""
        now_s = self._clock.monotonic_s()
        await self._registry.refresh_operators(connection)
        if now_s - self._expired_s >= _EXPIRE_EVERY_S:
            self._registry.look_again()
            async with bounded(connection, self._config.transaction):
                await connection.execute(
                    SQL["expire_sequences"], {"kept_s": self._config.sequences_kept_s}
                )
            self._expired_s = now_s
        self._refreshed_s = now_s
