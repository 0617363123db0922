"""Settle, correct, change a fee, share, pay, fail, in any order: the ledger of a plain model."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from aggregator.ledger.check import check
from aggregator.ledger.transfers import (
    AccountKind,
    Transfer,
    TransferState,
    account,
    book,
    content_id,
    post,
    void,
)
from tests.integration.settlement.plain_money import PlainMoney
from tests.integration.settlement.settled_pool import DAY, LATER, SettledPool

pytestmark = pytest.mark.postgres
T = TypeVar("T")
MINERS = 4
ONE_DAY = timedelta(days=1)
miners = st.integers(0, MINERS - 1)
operators = st.sampled_from([0, 1, 2])
works = st.lists(st.tuples(miners, operators, st.integers(1, 50)), max_size=5)
"""Miner, operator and accepted difficulty."""
millionths = st.integers(0, 400_000) | st.sampled_from([0, 1, 400_000])


class KilledError(Exception):
    """What was not committed is gone."""


@dataclass
class Timeline:
    """One database for all examples: each has a pool of its own, on the days that follow."""

    runner: asyncio.Runner
    connection: psycopg.AsyncConnection[Any]
    numbers: Iterator[int] = field(default_factory=count)
    today: int = 0
    """Is open; the days before it are settled."""


class Money(RuleBasedStateMachine):
    """The tables beside the model."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self.timeline = timeline
        self.first = timeline.today
        self.tables = SettledPool(timeline.connection)
        self.minute = 0
        self.reserved: dict[UUID, tuple[int, int]] = {}
        self.run(self._set_up())

    @property
    def today(self) -> int:
        return self.timeline.today

    async def _set_up(self) -> None:
        tables = self.tables
        await tables.set_up(fee=0.02)
        await tables.connection.execute("update leader set watermark = '2040-01-01'")
        example = next(self.timeline.numbers)
        self.operators = [0, await tables.operator(0.1), await tables.operator(0.3)]
        self.miners = [
            await tables.miner(f"{example}-{n}", operator=self.operators[1]) for n in range(MINERS)
        ]
        await tables.connection.execute(
            "with made as (insert into referrer_codes values (%s, %s) returning code)"
            " insert into referrals (miner_id, referrer_id, code) select %s, %s, code from made",
            (f"hfrc_{example:08}", self.miners[1], self.miners[0], self.miners[1]),
        )
        self.model = PlainMoney(tables.pool, {self.miners[0]: self.miners[1]})
        for miner in self.miners:
            self.model.fees[miner, tables.pool, 0] = Fraction(2, 100)
            self.model.fees[miner, self.operators[1], 0] = Fraction(1, 10)
            # As when it came under the other one, too: a schedule has an entry from its start on.
            self.model.fees[miner, self.operators[2], 0] = Fraction(3, 10)
            await self._enter_fee("miner_operator", miner, self.operators[2], 0, 300_000)

    def run(self, work: Awaitable[T]) -> T:
        async def run() -> T:
            return await work

        return self.timeline.runner.run(run())

    def teardown(self) -> None:
        assert self.run(check(self.tables.connection)) == []

    def work(self, done: list[tuple[int, int, int]], day: int) -> None:
        for miner, operator, difficulty in done:
            self.minute += 1
            who, under = self.miners[miner], self.operators[operator]
            counted = self.model.counted.setdefault((day, who), {})
            counted[under] = counted.get(under, 0) + difficulty
            self.run(
                self.tables.work(
                    who,
                    difficulty,
                    day=DAY + day * ONE_DAY,
                    minute=self.minute,
                    operator=under or None,
                )
            )

    @rule(
        done=works,
        hundredths=st.integers(0, 300),
        chunk=st.integers(1, 5),
        dies_after=st.integers(0, 4),
    )
    def settle(
        self, done: list[tuple[int, int, int]], hundredths: int, chunk: int, dies_after: int
    ) -> None:
        """Today, in chunks, by a process that may die on its way and one that goes on."""
        self.work(done, self.today)
        rate = self.model.rates[self.today] = Fraction(hundredths, 100)
        tables = SettledPool(self.tables.connection, pool=self.tables.pool, chunk=chunk)
        self.run(tables.rate(DAY + self.today * ONE_DAY, sat_per_difficulty=rate))
        now = LATER + self.today * ONE_DAY
        steps = 0

        async def die(_step: str) -> None:
            nonlocal steps
            steps += 1
            if steps == dies_after:
                raise KilledError

        with contextlib.suppress(KilledError):
            self.run(tables.settle(now=now, reached=die))
        self.run(tables.settle(now=now))
        self.model.settle(self.today)
        self.timeline.today += 1

    @precondition(lambda self: self.today > self.first)
    @rule(late=works, days_ago=st.integers(1, 3))
    def correct(self, late: list[tuple[int, int, int]], days_ago: int) -> None:
        """Shares of a settled day that came late, those of miners without any among them."""
        day = max(self.first, self.today - days_ago)
        self.work(late, day)
        done = self.run(self.tables.correct(DAY + day * ONE_DAY))
        assert (done.booked, len(done.waiting)) == self.model.settle(day)

    @rule(miner=miners, operator=operators, fee=millionths)
    def change_a_fee(self, miner: int, operator: int, fee: int) -> None:
        """From tomorrow: to the pool, or to an operator."""
        who, payee = self.miners[miner], self.operators[operator] or self.tables.pool
        relation = "miner_operator" if operator else "miner_pool"
        first = self.today + 1
        self.model.fees[who, payee, first] = Fraction(fee, 10**6)
        self.run(self._enter_fee(relation, who, payee, first, fee))

    async def _enter_fee(self, relation: str, who: int, payee: int, first: int, fee: int) -> None:
        at = {"relation": relation, "payer": who, "payee": payee, "day": DAY + first * ONE_DAY}
        await self.tables.connection.execute(
            "update fee_entries set superseded_at = now(), superseded_by = 'test'"
            " where relation = %(relation)s and payer_id = %(payer)s and payee_id = %(payee)s"
            " and valid_from = %(day)s and superseded_at is null",
            at,
        )
        await self.tables.connection.execute(
            "insert into fee_entries (relation, payer_id, payee_id, valid_from, fee, created_by)"
            " values (%(relation)s, %(payer)s, %(payee)s, %(day)s, %(fee)s::numeric / 1000000,"
            " 'test')",
            at | {"fee": fee},
        )

    @rule(donor=miners, recipient=miners, rate=st.integers(0, 1_000_000))
    def share(self, donor: int, recipient: int, rate: int) -> None:
        """From tomorrow; a donor's sharings together at most all."""
        giver, taker = self.miners[donor], self.miners[recipient]
        given = sum(one[2] for one in self.model.sharings.values() if one[0] == giver)
        share = min(Fraction(rate, 10**6), 1 - given)
        if giver == taker or not share:
            return
        first = self.today + 1
        number = self.run(
            self.tables.one(
                "insert into profit_sharings (donor_id, recipient_id, type, rate, valid_from,"
                " created_by) values (%s, %s, 'profit_sharing', %s::numeric / 1000000, %s, 'test')"
                " returning id",
                giver,
                taker,
                int(share * 10**6),
                DAY + first * ONE_DAY,
            )
        )
        self.model.sharings[number] = (giver, taker, share, first)

    @rule(miner=miners)
    def pay(self, miner: int) -> None:
        """Reserve all that a miner has."""
        who = self.miners[miner]
        amount_sat = self.model.available(who)
        if not amount_sat:
            return
        pending = self.run(self._reserve(who, amount_sat))
        self.reserved[pending] = who, amount_sat
        self.model.spent[who] += amount_sat

    async def _reserve(self, who: int, amount_sat: int) -> UUID:
        connection = self.tables.connection
        transfer = Transfer(
            content_id("payout", who, next(self.timeline.numbers)),
            await account(connection, who, AccountKind.CUSTOMER),
            await account(connection, self.tables.pool, AccountKind.EXTERNAL),
            amount_sat,
            "payout",
            datetime.now(UTC),
            datetime.now(UTC),
            state=TransferState.PENDING,
        )
        assert await book(connection, [transfer]) == 1
        return transfer.id

    @precondition(lambda self: self.reserved)
    @rule(fails=st.booleans())
    def end_a_payout(self, fails: bool) -> None:
        pending, (who, amount_sat) = self.reserved.popitem()
        end = void if fails else post
        assert self.run(end(self.tables.connection, pending, now=LATER))
        if fails:
            self.model.spent[who] -= amount_sat

    @invariant()
    def everybody_has_what_the_model_says(self) -> None:
        parties = [self.tables.pool, *self.operators[1:], *self.miners]
        expected = {one: self.model.available(one) for one in parties}
        found = self.run(
            self.tables.all(
                "select owner_id, credits_sat - debits_sat - pending_debits_sat"
                " from ledger_balances join ledger_accounts on id = account_id"
                " where kind = 'customer' and owner_id = any(%s)",
                parties,
            )
        )
        assert dict(found) == expected
        assert sum(self.model.earned.values()) == self.model.gross_sat()

    @invariant()
    def payments_add_up_to_what_was_earned(self) -> None:
        found = self.run(
            self.tables.all(
                "select entity_id, sum(case direction when 'incoming' then amount_sat"
                " else -amount_sat end)::int8 from payments where entity_id = any(%s) group by 1",
                [self.tables.pool, *self.operators[1:], *self.miners],
            )
        )
        earned = {party: sat for party, sat in self.model.earned.items() if sat}
        assert {party: sat for party, sat in found if sat} == earned


def test_in_any_order_the_ledger_is_that_of_the_model(database_url: str) -> None:
    with asyncio.Runner() as runner:
        connection = runner.run(psycopg.AsyncConnection.connect(database_url, autocommit=True))
        timeline = Timeline(runner, connection)
        try:
            run_state_machine_as_test(
                lambda: Money(timeline),
                settings=settings(
                    max_examples=15,
                    stateful_step_count=15,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(connection.close())
