"""Steps that people ask for, by command or over HTTP: one row each, carried out once.

Both only write a row of `payout_requests`. The API has no node, no descriptor and no right to book;
whoever has them (the service, or the command itself) locks the row, takes the step and marks the
row in the transaction of the step. A crash in between leaves the row open and is made good by the
next one who looks; two who ask for the same get two rows, of which the second is refused by what
the first one did.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from psycopg.types.json import Jsonb

from aggregator.chain.json_rpc import NodeAwayError, NodeError
from aggregator.payouts import batches, booking, propose, sending, watch
from aggregator.payouts.batches import Actor, Batch, Connection
from aggregator.payouts.build import Builder
from aggregator.payouts.config import PayoutsConfig
from aggregator.payouts.errors import MEANWHILE, RefusedError
from aggregator.payouts.states import Action, BatchState
from aggregator.payouts.wallet.coins import WalletStore
from aggregator.payouts.wallet.node import Node
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.payouts", "sql/requests.sql")
log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request; `outcome` None: it waits, `message` says for what."""

    outcome: str | None
    message: str


class Steps:
    """Carries requests out. One task at a time; several processes are kept apart by row locks."""

    def __init__(
        self,
        config: PayoutsConfig,
        node: Node,
        wallet: WalletStore,
        builder: Builder,
        *,
        pool_id: int,
    ) -> None:
        self._config = config
        self._node = node
        self._wallet = wallet
        self._builder = builder
        self._pool_id = pool_id

    async def carry_out(
        self, connection: Connection, request_id: UUID, now: datetime
    ) -> Answer | None:
        """None if somebody else is at it, or was. The row stays open if the node is away, or if
        another process changed meanwhile what the step needs."""
        try:
            async with connection.transaction():
                row = await _one(connection, "take", {"request_id": request_id})
                if row is None:
                    return None
                answer = await self._attempt(connection, row, Actor(row["requested_by"], now))
                await connection.execute(
                    _SQL["finish"],
                    {
                        "request_id": request_id,
                        "outcome": answer.outcome,
                        "message": answer.message,
                        "now": now,
                    },
                )
                return answer
        except (NodeAwayError, *MEANWHILE) as error:
            reason = str(error).splitlines()[0]
            log.warning("payout_request_waits", request=str(request_id), error=reason)
            parameters = {"request_id": request_id, "message": reason}
            await connection.execute(_SQL["wait"], parameters)
            return Answer(None, reason)

    async def carry_out_all(self, connection: Connection, now: datetime) -> int:
        """Every open request, oldest first; how many were finished."""
        cursor = await connection.execute(_SQL["open"])
        finished = 0
        for row in await cursor.fetchall():
            answer = await self.carry_out(connection, row["id"], now)
            finished += answer is not None and answer.outcome is not None
        return finished

    async def _attempt(
        self, connection: Connection, row: Mapping[str, Any], actor: Actor
    ) -> Answer:
        try:
            # Inside the request's own transaction: a refusal undoes the step, not the answer.
            async with connection.transaction():
                return await self._step(connection, row, actor)
        except RefusedError as error:
            return Answer("refused", str(error))

    async def _step(self, connection: Connection, row: Mapping[str, Any], actor: Actor) -> Answer:
        if row["pool_id"] != self._pool_id:
            raise RefusedError("this installation holds no wallet of that pool")
        action = Action(row["action"])
        if action == Action.PROPOSE:
            return Answer("done", await self.propose(connection, row, actor))
        if row["batch_id"] is None:
            raise RefusedError("which batch?")
        batch = await batches.locked(connection, row["batch_id"])
        if action == Action.BROADCAST:
            return await self._broadcast(connection, batch, actor)
        return Answer(
            "done", await self._steps()[action](connection, batch, actor, row["arguments"])
        )

    def _steps(self) -> Mapping[Action, _Step]:
        transaction = self._config.transaction
        return {
            Action.APPROVE: lambda c, b, a, args: propose.approve(c, b, a, str(args.get("hash"))),
            Action.BUILD: lambda c, b, a, args: self._builder.build(c, b, a),
            Action.IMPORT: lambda c, b, a, args: sending.import_signed(
                c, b, a, str(args.get("psbt")), transaction
            ),
            Action.BUMP: lambda c, b, a, args: self._builder.bump(c, b, a, _rate(args)),
            Action.CANCEL: lambda c, b, a, args: propose.cancel(
                c, b, a, str(args.get("reason") or "by request")
            ),
        }

    async def propose(self, connection: Connection, row: Mapping[str, Any], actor: Actor) -> str:
        """Step 1 with the money that can be spent now, less what approved batches still need."""
        money = await self._wallet.money(connection)
        reserve_sat = self._config.transaction.fee_reserve_sat
        promised_sat = await booking.promised_sat(connection, row["pool_id"])
        return await propose.propose(
            connection,
            batch_id=row["id"],
            pool_id=row["pool_id"],
            money_sat=max(0, money["spendable"] - promised_sat - reserve_sat),
            config=self._config,
            actor=actor,
            day=row.get("day"),
        )

    async def _broadcast(self, connection: Connection, batch: Batch, actor: Actor) -> Answer:
        batch.require(BatchState.SIGNED, BatchState.BROADCAST)
        newest = batch.signed
        assert newest is not None, "a signed batch has bytes"
        try:
            version = await sending.deliver(self._node, batch, newest)
        except NodeError as error:
            reason = await watch.stop_if_lost(connection, batch, newest, actor, error)
            # Answered, not raised: a stop that was written down must stay.
            return Answer("refused", reason or f"the node refuses it: {error.message}")
        await sending.mark_sent(connection, batch, version, actor)
        await booking.announce(connection, batch, version.txid, actor)
        if version.txid != newest.txid:
            return Answer("done", f"version {version.number} was faster: {version.txid}")
        return Answer("done", f"broadcast: {version.txid}")


_Step = Callable[[Connection, Batch, Actor, Mapping[str, Any]], Awaitable[str]]


async def ask(
    connection: Connection,
    action: Action,
    *,
    pool_id: int,
    requested_by: str,
    batch_id: UUID | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> UUID:
    """Write the row; its id. A proposed batch gets that id, so that asking again finds it."""
    row = await _one(
        connection,
        "ask",
        {
            "pool_id": pool_id,
            "batch_id": batch_id,
            "action": action,
            "arguments": Jsonb(dict(arguments or {})),
            "requested_by": requested_by,
        },
    )
    assert row is not None
    request_id: UUID = row["id"]
    return request_id


def _rate(arguments: Mapping[str, Any]) -> int:
    try:
        return int(arguments["fee_rate"])
    except (KeyError, TypeError, ValueError):
        raise RefusedError("a bump needs a fee rate, in whole sat/vB") from None


async def _one(
    connection: Connection, name: str, parameters: Mapping[str, Any]
) -> dict[str, Any] | None:
    cursor = await connection.execute(_SQL[name], parameters)
    return await cursor.fetchone()
