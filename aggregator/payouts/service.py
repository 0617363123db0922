"""The payouts service: carries out requests, follows the wallet's coins and the batches.

Any number of processes may run it, without a leader: each step locks its batch, each row is written
once whoever writes it, and a day's batch is unique by its day.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from psycopg_pool import AsyncConnectionPool

from aggregator.chain.follow import OtherChainError
from aggregator.chain.json_rpc import NodeAwayError, NodeError
from aggregator.payouts import batches, booking, money, propose, watch
from aggregator.payouts.batches import Actor, Connection
from aggregator.payouts.build import Builder
from aggregator.payouts.config import PayoutsConfig
from aggregator.payouts.errors import MEANWHILE, RefusedError
from aggregator.payouts.requests import Steps
from aggregator.payouts.states import BatchState
from aggregator.payouts.wallet.coins import WalletPolicy, WalletStore
from aggregator.payouts.wallet.descriptor import WalletDescriptor
from aggregator.payouts.wallet.node import Node
from aggregator.postgres.errors import FATAL, PASSING
from ingest.errors import FatalError
from schemas.runtime.clock import Clock
from schemas.runtime.metrics import gauge

log: Final = structlog.get_logger(__name__)
NAME: Final = "payouts service"

FollowHeaders = Callable[[Connection], Awaitable[object]]
"""Brings `chain_blocks` up to the node's tip."""


@dataclass(frozen=True, slots=True)
class PayoutParts:
    """What the service is made of."""

    pool_id: int
    node: Node
    wallet: WalletStore
    steps: Steps
    follow_headers: FollowHeaders


def parts(
    config: PayoutsConfig, node: Node, *, pool_id: int, follow_headers: FollowHeaders
) -> PayoutParts:
    """FatalError for a descriptor that cannot be used."""
    descriptor = WalletDescriptor(config.descriptor, config.network)
    policy = WalletPolicy(
        config.first_height, config.address_gap, config.final_depth, config.maturity
    )
    wallet = WalletStore(descriptor, policy)
    builder = Builder(node, wallet, descriptor, config.transaction)
    steps = Steps(config, node, wallet, builder, pool_id=pool_id)
    return PayoutParts(pool_id, node, wallet, steps, follow_headers)


class PayoutService:
    """Owned by one event loop."""

    def __init__(
        self,
        config: PayoutsConfig,
        parts: PayoutParts,
        pool: AsyncConnectionPool[Any],
        clock: Clock,
    ) -> None:
        self._config = config
        self._parts = parts
        self._pool = pool
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. A database or a node that is away, or on another chain, is waited for;
        FatalError for what waiting does not mend."""
        watched_s = float("-inf")
        while not stop.is_set():
            due = self._clock.monotonic_s() - watched_s >= self._config.watch_s
            try:
                async with self._pool.connection() as connection:
                    await self._parts.steps.carry_out_all(connection, self._now())
                    if due:
                        # Before the look: one that fails sums up all money, too.
                        watched_s = self._clock.monotonic_s()
                        await self.follow(connection)
            except (*PASSING, *MEANWHILE, NodeError, OtherChainError) as error:
                log.warning("payouts_wait", error=str(error).strip())
            except FATAL as error:
                raise FatalError(str(error).strip()) from error
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._config.poll_s)

    async def follow(self, connection: Connection) -> None:
        """One look at the chain, and what follows from it. If the node does not answer, or with
        another chain, what the database holds is published all the same before that is raised."""
        try:
            await self._follow_chain(connection)
        except (NodeAwayError, NodeError, OtherChainError):
            gauge("payouts_node_answers").set(0)
            await money.publish(connection, await self._money(connection))
            raise
        gauge("payouts_node_answers").set(1)
        found = await self._money(connection)
        await money.remember(connection, self._parts.pool_id, found)
        await money.publish(connection, found)

    async def _follow_chain(self, connection: Connection) -> None:
        actor = Actor(NAME, self._now())
        await self._parts.follow_headers(connection)
        await self._parts.wallet.follow(connection, self._parts.node)
        await self._book_deposits(connection, actor.now)
        for batch_id in await batches.watched(connection):
            await self._follow_batch(connection, batch_id, actor)
        await self._propose_when_due(connection, actor)

    async def _money(self, connection: Connection) -> money.MoneyOnHand:
        return await money.on_hand(
            connection,
            self._parts.wallet,
            self._parts.pool_id,
            fee_reserve_sat=self._config.transaction.fee_reserve_sat,
        )

    async def _follow_batch(self, connection: Connection, batch_id: UUID, actor: Actor) -> None:
        state = await watch.follow_chain(
            connection, batch_id, actor, final_depth=self._config.final_depth
        )
        if state in (BatchState.BROADCAST, BatchState.FINAL):
            await watch.resend(connection, self._parts.node, batch_id, actor)

    async def _book_deposits(self, connection: Connection, now: datetime) -> None:
        deposits = await self._parts.wallet.unbooked_deposits(connection)
        if deposits:
            await booking.book_deposits(connection, self._parts.pool_id, deposits, now)

    async def _propose_when_due(self, connection: Connection, actor: Actor) -> None:
        config = self._config
        if not config.window_from_hour <= actor.now.hour < config.window_until_hour:
            return
        batch_id, day = uuid4(), actor.now.astimezone(UTC).date()
        row = {"id": batch_id, "pool_id": self._parts.pool_id, "day": day}
        try:
            async with connection.transaction():
                await batches.require_no_batch_of(connection, self._parts.pool_id, day)
                await self._parts.steps.propose(connection, row, actor)
                batch = await batches.locked(connection, batch_id)
                await propose.approve_within_limits(connection, batch, config.limits, actor)
        except RefusedError as refusal:
            log.debug("nothing_proposed", reason=str(refusal))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_ms() / 1_000, UTC)
