"""What a split day writes: its row, its transfers, the payments that people see, their events.

    reward            mining → miner          incoming for the miner
    pool_commission   mining → pool           in the pool's payment of the day
    operator_commission  mining → operator    in the operator's payment of the day
    referral          mining → referrer       incoming for the referrer
    virtual_mining    donor → recipient       outgoing for the one, incoming for the other
    profit_sharing    donor → recipient       outgoing for the one, incoming for the other

So the day's transfers out of `mining` sum to its gross. A later version writes differences, the
other way round if they are negative, and names what it corrects.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from aggregator.ledger.transfers import Transfer, content_id
from aggregator.settlement.freeze import bounds
from aggregator.settlement.rate import cut
from aggregator.settlement.split import Amount, Amounts, DaySplit, Key, Line, sum_by_line
from aggregator.settlement.terms import Fee, Terms
from schemas.messages.notifications import Notice
from schemas.money import CURRENCY, btc_text
from schemas.windows import DAY_S

Row = tuple[Any, ...]
_COMMISSIONS: Final = (Line.POOL, Line.OPERATOR)
_CAPPED: Final = "Limited by the reward of the day"
_REFERRAL: Final = "Referral reward"


@dataclass(frozen=True, slots=True)
class Accounts:
    """Ids of accounts by owner."""

    customers: Mapping[int, int]
    mining: Mapping[int, int]
    """By pool."""


@dataclass(frozen=True, slots=True)
class _Move:
    """One line as it moves: a difference, negative if it goes back."""

    line: Line
    about: int
    kind: str
    debit: int
    credit: int
    amount_sat: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """One side's view of a move."""

    entity: int
    type: str
    incoming: bool
    work: int | None = None
    description: str | None = None
    counterparty: int | None = None


@dataclass(slots=True)
class DayLines:
    """Collects rows in the order of the columns of `book.sql`; not thread-safe."""

    day: date
    rate: Fraction
    accounts: Accounts
    now: datetime
    version: int = 1
    late: bool = False
    """After the day was closed: commissions are in payments of their own then."""
    corrected: Collection[UUID] = frozenset()
    """Payments and transfers of the first version that are there to be named."""
    rows: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    gross_sat: int = 0
    _shown_rate: Decimal = field(init=False)
    _start: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._shown_rate = Decimal(cut(self.rate))
        self._start, _ = bounds(self.day)

    def add(self, miner: int, terms: Terms, found: DaySplit, before: Amounts | None = None) -> None:
        """A miner's day; `before` is what its last version came to."""
        self._add_row(miner, terms, found)
        changes = {key: amount.sat for key, amount in found.amounts.items()}
        if before:
            changes = {key: sat - before.get(key, Amount()).sat for key, sat in changes.items()}
        self.gross_sat += changes[Line.GROSS, 0]
        for move in self._moves(miner, terms, changes):
            if move.amount_sat == 0:
                continue
            seen = _seen(move, miner, terms, found, late=self.late)
            shown = [self._add_payment(move, miner, one) for one in seen]
            # Commissions of a first version are in the payment of the day.
            payment_id = shown[0] if shown else commissions_id(self.day, move.about)
            self._add_transfer(move, miner, payment_id)

    def add_commissions(self, owner: int, amount_sat: int, work: int) -> None:
        """The day's payment of a pool or operator."""
        move = _Move(Line.POOL, owner, "commissions", 0, 0, amount_sat)
        self._add_payment(move, owner, _Seen(owner, "reward", True, work))

    def _add_row(self, miner: int, terms: Terms, found: DaySplit) -> None:
        gross = found.amounts[Line.GROSS, 0]
        sums = found.sums()
        self.rows.append(
            (
                self.day,
                miner,
                self.version,
                found.work,
                gross.parts,
                gross.sat,
                sums[Line.POOL],
                sums[Line.OPERATOR],
                sums[Line.REFERRAL],
                sums[Line.GROSS] - sums[Line.POOL] - sums[Line.OPERATOR],
                explained(found, terms),
                self.now,
            )
        )

    def _moves(self, miner: int, terms: Terms, changes: Mapping[Key, int]) -> Iterator[_Move]:
        mining = self.accounts.mining[terms.pool_id]
        customers = self.accounts.customers
        sums = sum_by_line(changes)
        reward = sums[Line.GROSS] - sums[Line.POOL] - sums[Line.OPERATOR]
        yield _Move(Line.GROSS, miner, "reward", mining, customers[miner], reward)
        pool = sums[Line.POOL] - sums[Line.REFERRAL]
        pool_account = customers[terms.pool_id]
        yield _Move(Line.POOL, terms.pool_id, "pool_commission", mining, pool_account, pool)
        gifts = {gift.worker_id: gift.recipient_id for gift in terms.gifts}
        sharings = {one.sharing_id: one.recipient_id for one in terms.sharings}
        for (line, about), sat in changes.items():
            if line is Line.OPERATOR:
                yield _Move(line, about, "operator_commission", mining, customers[about], sat)
            elif line is Line.REFERRAL:
                yield _Move(line, about, "referral", mining, customers[about], sat)
            elif line is Line.GIFT:
                moved = sat - changes.get((Line.GIFT_FEE, about), 0)
                recipient = customers[gifts[about]]
                yield _Move(line, about, "virtual_mining", customers[miner], recipient, moved)
            elif line is Line.SHARING:
                recipient = customers[sharings[about]]
                yield _Move(line, about, "profit_sharing", customers[miner], recipient, sat)

    def _add_transfer(self, move: _Move, miner: int, payment_id: UUID) -> None:
        debit, credit = move.debit, move.credit
        if debit == credit:
            return
        if move.amount_sat < 0:
            debit, credit = credit, debit
        content = transfer_content(self.day, miner, (move.line, move.about))
        self.transfers.append(
            Transfer(
                id=content_id(*content, self.version),
                debit_account_id=debit,
                credit_account_id=credit,
                amount_sat=abs(move.amount_sat),
                kind=move.kind,
                effective_at=self._start,
                created_at=self.now,
                payment_id=payment_id,
                settlement_day=self.day,
                corrects=self._corrected(content),
                reason=None if self.version == 1 else f"version {self.version} of the day",
            )
        )

    def _add_payment(self, move: _Move, miner: int, seen: _Seen) -> UUID:
        content = _content(self.day, move, miner, seen)
        payment_id = content_id(*content, self.version)
        incoming = seen.incoming == (move.amount_sat > 0)
        work = seen.work
        description = seen.description
        if self.late:
            description = f"Correction of {self.day}"
        self.payments.append(
            (
                payment_id,
                seen.entity,
                seen.type,
                "incoming" if incoming else "outgoing",
                abs(move.amount_sat),
                self.now,
                self._start,
                None if work is None else hashrate_of(work),
                None if work is None else self._shown_rate,
                description,
                seen.counterparty,
                self.day,
                self.version,
                self._corrected_payment(move, content),
            )
        )
        self._add_event(payment_id, move, seen, incoming=incoming)
        return payment_id

    def _add_event(self, payment_id: UUID, move: _Move, seen: _Seen, *, incoming: bool) -> None:
        """Rewards, and all corrections but those of commissions: a pool that corrects a thousand
        miners gets no thousand mails."""
        fields = {
            "payment_id": str(payment_id),
            "currency": CURRENCY,
            "amount": btc_text(abs(move.amount_sat)),
            "day": self.day.isoformat(),
        }
        if self.late:
            if move.line in _COMMISSIONS:
                return
            notice = Notice.PAYMENT_CORRECTION
            fields["direction"] = "incoming" if incoming else "outgoing"
        elif seen.type == "reward":
            notice = Notice.PAYMENT_REWARD
        else:
            return
        self.events.append((payment_id, notice, self.now, seen.entity, fields))

    def _corrected_payment(self, move: _Move, content: tuple[object, ...]) -> UUID | None:
        if self.late and move.line in _COMMISSIONS:
            first = commissions_id(self.day, move.about)
            return first if first in self.corrected else None
        return self._corrected(content)

    def _corrected(self, content: tuple[object, ...]) -> UUID | None:
        if self.version == 1:
            return None
        first = content_id(*content, 1)
        return first if first in self.corrected else None


def transfer_content(day: date, miner: int, key: Key) -> tuple[object, ...]:
    """What a transfer's id follows from, with the version."""
    return ("transfer", day, miner, *key)


def first_ids(day: date, miner: int, terms: Terms, found: DaySplit) -> list[UUID]:
    """Transfers of the first version and payments of its commissions, if they were booked."""
    keys = [*found.amounts, (Line.GROSS, miner)]
    owners = [terms.pool_id, *terms.operators]
    transfers = [content_id(*transfer_content(day, miner, key), 1) for key in keys]
    return transfers + [commissions_id(day, owner) for owner in owners]


@lru_cache(maxsize=10_000)
def commissions_id(day: date, owner: int) -> UUID:
    """Of the payment of a pool or operator for a day."""
    return content_id(*_commissions_content(day, owner), 1)


def _commissions_content(day: date, owner: int) -> tuple[object, ...]:
    return payment_content(day, owner, "reward", True, owner, "commissions")


def payment_content(
    day: date, entity: int, kind: str, incoming: bool, about: int, line: str
) -> tuple[object, ...]:
    """What a payment's id follows from, with the version."""
    return ("payment", day, entity, kind, "in" if incoming else "out", line, about)


def hashrate_of(work: int) -> int:
    """Of a whole day, in whole hashes per second."""
    return (work + DAY_S // 2) // DAY_S


def explained(found: DaySplit, terms: Terms) -> dict[str, Any]:
    """Every line with its exact parts and the schedule entry that set it."""
    lines = []
    for key, amount in found.amounts.items():
        line, about = key
        one: dict[str, Any] = {
            "line": line,
            "about": about,
            "parts": str(amount.parts),
            "sat": amount.sat,
        }
        if fee := _fee(terms, key):
            one |= {"fee_ppm": fee.ppm, "entry": fee.entry_id}
        lines.append(one)
    capped = [[line, about] for line, about in found.capped]
    return {"work": str(found.work), "lines": lines, "capped": capped}


def amounts_of(explanation: Mapping[str, Any]) -> dict[Key, Amount]:
    """The amounts back from `explained`."""
    return {
        (Line(one["line"]), one["about"]): Amount(int(one["parts"]), one["sat"])
        for one in explanation["lines"]
    }


def _fee(terms: Terms, key: Key) -> Fee | None:
    line, about = key
    if line is Line.POOL:
        return terms.pool_fee
    if line is Line.OPERATOR:
        return terms.operators.get(about)
    if line is Line.GIFT_FEE:
        return next((gift.fee for gift in terms.gifts if gift.worker_id == about), None)
    return None


def _seen(move: _Move, miner: int, terms: Terms, found: DaySplit, *, late: bool) -> Iterator[_Seen]:
    """Payments of a move; the first is the one that the transfer names."""
    capped = _CAPPED if (move.line, move.about) in found.capped else None
    if move.line is Line.GROSS:
        yield _Seen(miner, "reward", True, found.work)
    elif move.line is Line.REFERRAL:
        yield _Seen(move.about, "profit_sharing", True, description=_REFERRAL)
    elif move.line in _COMMISSIONS and late:
        yield _Seen(move.about, "reward", True, counterparty=miner)
    elif move.line is Line.GIFT:
        gift = next(one for one in terms.gifts if one.worker_id == move.about)
        to = gift.recipient_id
        yield _Seen(miner, "virtual_mining_transfer", False, gift.work, capped, to)
        yield _Seen(to, "virtual_mining_reward", True, gift.work, capped, miner)
    elif move.line is Line.SHARING:
        to = next(one.recipient_id for one in terms.sharings if one.sharing_id == move.about)
        yield _Seen(miner, "profit_sharing", False, None, capped, to)
        yield _Seen(to, "profit_sharing", True, None, capped, miner)


def _content(day: date, move: _Move, miner: int, seen: _Seen) -> tuple[object, ...]:
    if move.kind == "commissions":
        return _commissions_content(day, seen.entity)
    by_miner = {Line.GROSS, Line.REFERRAL, *_COMMISSIONS}
    about = miner if move.line in by_miner else move.about
    return payment_content(day, seen.entity, seen.type, seen.incoming, about, move.line)
