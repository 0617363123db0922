"""A pool with miners, work and a rate, settled as the service does it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from psycopg import AsyncConnection

from aggregator.settlement.config import SchemeFrom, SettlementConfig
from aggregator.settlement.correct import Corrections, correct
from aggregator.settlement.days import Waits, settle_due
from aggregator.settlement.rate import Scheme, given_rate
from aggregator.settlement.rates import keep
from aggregator.settlement.transactions import begin
from schemas.windows import DAY_S

DAY = date(2026, 11, 26)
LATER = datetime(2026, 11, 27, 12, tzinfo=UTC)
SAT_PER_DIFFICULTY = Fraction(DAY_S, 10**8 * 2**32)
"""BTC per H/s and day at which a share of difficulty 1 is one satoshi."""


_LEDGER = (
    """select id, debit_account_id, credit_account_id, amount_sat, kind, payment_id,
    settlement_day, effective_at from ledger_transfers order by id""",
    """select id, entity_id, type, direction, amount_sat, hashrate, rate, description,
    counterparty_id from payments order by id""",
    """select day, miner_id, version, live, work, gross_parts, gross_sat, explained
    from settlement_rows order by 1, 2, 3""",
    "select miner_id, kind, payee_id, parts from settlement_carries order by 1, 2, 3",
    "select account_id, debits_sat, credits_sat from ledger_balances order by 1",
    """select day, state, inputs_hash, miners, workers, work, gross_sat
    from settlements order by 1""",
    "select event_id, kind, entity_id, fields from events order by 1",
)


class SettledPool:
    """Not the service: no lease, no chain; the same steps."""

    def __init__(self, connection: AsyncConnection[Any], *, pool: int = 0, chunk: int = 3) -> None:
        self.connection = connection
        self.config = SettlementConfig(
            schemes=(SchemeFrom(Scheme.GIVEN),), first_day=DAY, chunk=chunk
        )
        self.pool = pool

    async def set_up(self, *, fee: float = 0.0) -> None:
        self.pool = await self.one(
            "insert into pools (title, fee) values ('Pool', %s) returning id", fee
        )
        await self.connection.execute(
            "update leader set watermark = %s", (datetime(2026, 11, 27, tzinfo=UTC),)
        )

    async def operator(self, fee: float) -> int:
        return await self.one(
            "insert into operators (pool_id, title, default_pool_fee) values (%s, 'Farm', %s)"
            " returning id",
            self.pool,
            fee,
        )

    async def miner(self, name: str, *, operator: int | None = None) -> int:
        miner = await self.one(
            "insert into miners (account_name, pool_id, operator_id, created_at)"
            " values (%s, %s, %s, %s) returning id",
            name,
            self.pool,
            operator,
            DAY,
        )
        await self.worker(miner, f"{name}-1")
        return miner

    async def worker(self, miner: int, name: str, behavior: str = "hardware") -> int:
        return await self.one(
            "insert into workers (miner_id, name, behavior) values (%s, %s, %s) returning id",
            miner,
            name,
            behavior,
        )

    async def given_worker(self, donor: int, recipient: int) -> int:
        """A boundary worker whose minutes are written to the end of the next day."""
        worker = await self.worker(recipient, f"from-{donor}", "boundary")
        await self.connection.execute(
            "insert into boundary_workers (worker_id, donor_id, created_at, minutes_to)"
            " values (%s, %s, %s, %s)",
            (worker, donor, DAY, LATER + timedelta(days=1)),
        )
        return worker

    async def work(
        self,
        miner: int,
        difficulty: float,
        *,
        day: date = DAY,
        minute: int = 0,
        operator: int | None = None,
        worker: int | None = None,
    ) -> None:
        """Accepted work of one minute of its first worker, or of this one."""
        found = worker or await self.one(
            "select min(id) from workers where miner_id = %s and behavior = 'hardware'", miner
        )
        await self.connection.execute(
            "insert into worker_minutes (bucket, worker_id, miner_id, operator_id, accepted_count,"
            " rejected_count, accepted, rejected) values (%s, %s, %s, %s, 1, 0, %s, 0)",
            (
                datetime.combine(day, datetime.min.time(), UTC) + timedelta(minutes=minute),
                found,
                miner,
                operator,
                difficulty,
            ),
        )

    async def rate(self, day: date = DAY, *, sat_per_difficulty: Fraction = Fraction(1)) -> None:
        await keep(
            self.connection,
            day,
            given_rate(SAT_PER_DIFFICULTY * sat_per_difficulty),
            now=LATER,
            created_by="test",
        )

    async def settle(
        self,
        *,
        now: datetime = LATER,
        reached: Callable[[str], Awaitable[None]] | None = None,
    ) -> Waits:
        return await settle_due(
            self.connection, self.config, now=now, transaction=self.transaction, reached=reached
        )

    async def correct(self, day: date = DAY) -> Corrections:
        return await correct(self.connection, day, now=LATER, transaction=self.transaction)

    @contextlib.asynccontextmanager
    async def transaction(self, *, snapshot: bool = False) -> AsyncIterator[None]:
        async with self.connection.transaction():
            await begin(self.connection, snapshot=snapshot)
            yield

    async def balances(self) -> dict[int, int]:
        """Customers who have something."""
        rows = await self.all(
            "select owner_id, credits_sat - debits_sat from ledger_balances"
            " join ledger_accounts on id = account_id"
            " where kind = 'customer' and credits_sat <> debits_sat"
        )
        return dict(rows)

    async def payments(self, entity: int) -> list[Any]:
        return await self.all(
            "select type, direction, amount_sat from payments where entity_id = %s order by number",
            entity,
        )

    async def ledger(self) -> list[Any]:
        """All that a settlement writes, without the times of writing."""
        return [await self.all(statement) for statement in _LEDGER]

    async def all(self, statement: str, *values: Any) -> list[Any]:
        return await (await self.connection.execute(statement.encode(), values)).fetchall()

    async def one(self, statement: str, *values: Any) -> Any:
        return (await self.all(statement, *values))[0][0]
