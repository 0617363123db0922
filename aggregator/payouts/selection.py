"""Who is paid by a batch, who is not and why: a pure function of balances, wallets and money."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from schemas.addresses.bitcoin import BitcoinNetwork, InvalidAddressError, script_of

_WITNESS_SPEND: Final = 67
_LEGACY_SPEND: Final = 148
_RELAY_FACTOR: Final = 3


class Reason(StrEnum):
    """Why somebody whose balance is due is not paid."""

    NO_ADDRESS = "no-address"
    ADDRESS_WAITING = "address-waiting"
    """Changed lately: the old address is not paid either, since it may be lost."""
    BAD_ADDRESS = "bad-address"
    DUST = "dust"
    BATCH_FULL = "batch-full"
    NOT_ENOUGH_MONEY = "not-enough-money"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One wallet with what it is owed, as it stood when the batch was proposed."""

    entity_id: int
    uid: UUID
    balance_sat: int
    minimum_sat: int
    address: str | None
    waiting_until: datetime | None
    due_since: datetime
    """Who has waited longest is paid first if the money does not suffice."""


@dataclass(frozen=True, slots=True)
class Item:
    entity_id: int
    uid: UUID
    address: str
    script: bytes
    amount_sat: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    entity_id: int
    amount_sat: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Selection:
    """Items in the order of payment, and those left out."""

    items: tuple[Item, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def total_sat(self) -> int:
        return sum(item.amount_sat for item in self.items)


@dataclass(frozen=True, slots=True)
class Output:
    script: bytes
    amount_sat: int


@dataclass(slots=True)
class _Split:
    items: list[Item] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def select(
    candidates: Iterable[Candidate],
    *,
    network: BitcoinNetwork,
    now: datetime,
    money_sat: int,
    max_payees: int,
) -> Selection:
    """Whole items by age, as far as `money_sat` and the room of a transaction go.

    Balances below their minimum are nobody's fault and are not listed. One item that does not fit
    the money is passed over, so that a large one does not keep small ones waiting.
    """
    split = _Split()
    for candidate in sorted(candidates, key=lambda one: (one.due_since, one.entity_id)):
        if candidate.balance_sat <= 0 or candidate.balance_sat < candidate.minimum_sat:
            continue
        found = _item(candidate, network, now)
        if isinstance(found, Item):
            split.items.append(found)
        else:
            split.left_out.append(LeftOut(candidate.entity_id, candidate.balance_sat, found))
    payable = _without_dust(split)
    items = _affordable(payable, split.left_out, money_sat=money_sat, max_payees=max_payees)
    return Selection(tuple(items), tuple(split.left_out))


def outputs_of(items: Sequence[Item]) -> list[Output]:
    """One output per address: wallets that share one are paid together."""
    sums: dict[bytes, int] = {}
    for item in items:
        sums[item.script] = sums.get(item.script, 0) + item.amount_sat
    return [Output(script, amount_sat) for script, amount_sat in sums.items()]


def list_hash(items: Iterable[Item]) -> str:
    """What a person approves: exactly these payees, addresses and amounts, in this order."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(f"{item.uid} {item.address} {item.amount_sat}\n".encode())
    return digest.hexdigest()


def dust_limit_sat(script: bytes) -> int:
    """What nodes refuse to relay: less than a third of what spending it costs at 1 sat/vB.

    >>> dust_limit_sat(bytes([0, 20]) + bytes(20))
    294
    """
    spend = _WITNESS_SPEND if _is_witness(script) else _LEGACY_SPEND
    return _RELAY_FACTOR * (8 + 1 + len(script) + spend)


def _is_witness(script: bytes) -> bool:
    if not 4 <= len(script) <= 42:
        return False
    return (script[0] == 0 or 0x51 <= script[0] <= 0x60) and script[1] == len(script) - 2


def _item(candidate: Candidate, network: BitcoinNetwork, now: datetime) -> Item | Reason:
    if candidate.waiting_until is not None and now < candidate.waiting_until:
        return Reason.ADDRESS_WAITING
    if candidate.address is None:
        return Reason.NO_ADDRESS
    try:
        script = script_of(candidate.address, network)
    except InvalidAddressError:
        return Reason.BAD_ADDRESS
    amount_sat = candidate.balance_sat
    return Item(candidate.entity_id, candidate.uid, candidate.address, script, amount_sat)


def _without_dust(split: _Split) -> list[Item]:
    sums = {output.script: output.amount_sat for output in outputs_of(split.items)}
    kept = []
    for item in split.items:
        if sums[item.script] < dust_limit_sat(item.script):
            split.left_out.append(LeftOut(item.entity_id, item.amount_sat, Reason.DUST))
        else:
            kept.append(item)
    return kept


def _affordable(
    items: Sequence[Item], left_out: list[LeftOut], *, money_sat: int, max_payees: int
) -> list[Item]:
    kept: list[Item] = []
    for item in items:
        if len(kept) >= max_payees:
            left_out.append(LeftOut(item.entity_id, item.amount_sat, Reason.BATCH_FULL))
        elif item.amount_sat > money_sat:
            left_out.append(LeftOut(item.entity_id, item.amount_sat, Reason.NOT_ENOUGH_MONEY))
        else:
            money_sat -= item.amount_sat
            kept.append(item)
    return kept
