"""Rebalances of the consumer group, as two callbacks of intake."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

log = structlog.get_logger(__name__)

UNCLAIMED: Final = 0
"""Where an assigned partition stands, paused, until it is claimed: without a position aiokafka
would ask Kafka for a committed offset, which is not ours to use."""


class Rebalance(ConsumerRebalanceListener):  # type: ignore[misc]
    """Passes partitions on as numbers; the group waits for `on_revoked`.

    aiokafka does not distinguish partitions lost (session over) from partitions revoked; the fence
    in the database does.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        on_revoked: Callable[[Collection[int]], Awaitable[None]],
        on_assigned: Callable[[Collection[int]], None],
    ) -> None:
        self._consumer = consumer
        self._on_revoked = on_revoked
        self._on_assigned = on_assigned

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Return when what was taken from them is flushed or dropped."""
        if revoked:
            log.info("partitions_revoked", partitions=sorted(each.partition for each in revoked))
        await self._on_revoked([each.partition for each in revoked])

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Hold the new partitions still until intake has claimed them."""
        for each in assigned:
            self._consumer.seek(each, UNCLAIMED)
        self._consumer.pause(*assigned)
        log.info("partitions_assigned", partitions=sorted(each.partition for each in assigned))
        self._on_assigned([each.partition for each in assigned])
