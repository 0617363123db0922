"""Who is paid: by age, whole items, nobody stopped by others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from aggregator.payouts.build import choose
from aggregator.payouts.errors import RefusedError
from aggregator.payouts.selection import (
    Candidate,
    Item,
    Output,
    Reason,
    dust_limit_sat,
    list_hash,
    outputs_of,
    select,
)
from aggregator.payouts.wallet.descriptor import Keychain
from aggregator.payouts.wallet.psbt import Coin
from schemas.addresses.bitcoin import BitcoinNetwork

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
OTHER = "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry"


def candidate(number: int, **changes: object) -> Candidate:
    fields: dict[str, object] = {
        "entity_id": number,
        "uid": UUID(int=number),
        "balance_sat": 1_000_000,
        "minimum_sat": 100_000,
        "address": ADDRESS,
        "waiting_until": None,
        "due_since": NOW - timedelta(days=number),
    }
    return Candidate(**(fields | changes))  # type: ignore[arg-type]


def selected(*candidates: Candidate, money_sat: int = 10**10, max_payees: int = 100) -> object:
    found = select(
        candidates,
        network=BitcoinNetwork.REGTEST,
        now=NOW,
        money_sat=money_sat,
        max_payees=max_payees,
    )
    left_out = {one.entity_id: one.reason for one in found.left_out}
    return [item.entity_id for item in found.items], left_out


def test_who_waits_longest_is_paid_first() -> None:
    assert selected(candidate(1), candidate(3), candidate(2)) == ([3, 2, 1], {})


def test_balance_below_its_minimum_is_not_listed() -> None:
    assert selected(candidate(1, balance_sat=99_999)) == ([], {})
    assert selected(candidate(1, balance_sat=100_000)) == ([1], {})
    assert selected(candidate(1, balance_sat=0, minimum_sat=0)) == ([], {})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"address": None}, Reason.NO_ADDRESS),
        ({"address": "x"}, Reason.BAD_ADDRESS),
        ({"address": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}, Reason.BAD_ADDRESS),
        ({"waiting_until": NOW + timedelta(seconds=1)}, Reason.ADDRESS_WAITING),
        ({"address": None, "waiting_until": NOW + timedelta(days=1)}, Reason.ADDRESS_WAITING),
        ({"balance_sat": 293, "minimum_sat": 1}, Reason.DUST),
    ],
)
def test_one_that_cannot_be_paid_is_left_out_with_the_reason(
    changes: dict[str, object], reason: Reason
) -> None:
    assert selected(candidate(1, **changes), candidate(2, address=OTHER)) == ([2], {1: reason})


def test_address_counts_from_the_instant_at_which_it_comes_into_force() -> None:
    assert selected(candidate(1, waiting_until=NOW)) == ([1], {})


def test_item_that_the_money_does_not_cover_does_not_hold_back_smaller_ones() -> None:
    large = candidate(9, balance_sat=5_000_000)
    found = selected(large, candidate(1), candidate(2), money_sat=2_000_000)
    assert found == ([2, 1], {9: Reason.NOT_ENOUGH_MONEY})


def test_no_item_is_paid_in_part() -> None:
    assert selected(candidate(1), money_sat=999_999) == ([], {1: Reason.NOT_ENOUGH_MONEY})
    assert selected(candidate(1), money_sat=1_000_000) == ([1], {})


def test_full_batch_leaves_the_youngest_for_the_next_one() -> None:
    found = selected(candidate(1), candidate(2), candidate(3), max_payees=2)
    assert found == ([3, 2], {1: Reason.BATCH_FULL})


def test_small_amounts_to_one_address_are_no_dust_together() -> None:
    halves = [candidate(n, balance_sat=200, minimum_sat=1) for n in (1, 2)]
    assert selected(*halves) == ([2, 1], {})


def test_one_output_per_address() -> None:
    items = [Item(n, UUID(int=n), ADDRESS, b"\x00\x14" + bytes(20), n) for n in (1, 2)]
    assert outputs_of(items) == [Output(b"\x00\x14" + bytes(20), 3)]


def test_hash_changes_with_every_part_of_the_list() -> None:
    item = Item(1, UUID(int=1), ADDRESS, b"", 5)
    others = [
        Item(1, UUID(int=2), ADDRESS, b"", 5),
        Item(1, UUID(int=1), OTHER, b"", 5),
        Item(1, UUID(int=1), ADDRESS, b"", 6),
    ]
    lists = [[item], *([one] for one in others), [item, others[0]], [others[0], item]]
    assert len({list_hash(one) for one in lists}) == len(lists)


@pytest.mark.parametrize(
    ("script", "limit_sat"),
    [
        (b"\x76\xa9\x14" + bytes(20) + b"\x88\xac", 546),
        (b"\xa9\x14" + bytes(20) + b"\x87", 540),
        (b"\x00\x14" + bytes(20), 294),
        (b"\x00\x20" + bytes(32), 330),
        (b"\x51\x20" + bytes(32), 330),
    ],
)
def test_dust_limits_are_those_of_nodes(script: bytes, limit_sat: int) -> None:
    assert dust_limit_sat(script) == limit_sat


def coin(number: int, amount_sat: int, cancelled_in: str | None = None) -> Coin:
    return Coin(f"{number:064x}", 0, amount_sat, Keychain.EXTERNAL, number, b"", cancelled_in)


def test_few_large_coins_pay() -> None:
    coins = [coin(1, 10), coin(2, 1_000), coin(3, 500)]
    assert choose(coins, needed_sat=1_200, input_fee_sat=5) == [coins[1], coins[2]]


def test_a_coin_of_each_cancelled_transaction_is_spent_first() -> None:
    coins = [coin(1, 1_000), coin(2, 100, "a"), coin(3, 100, "a"), coin(4, 100, "b")]
    chosen = choose(coins, needed_sat=900, input_fee_sat=5)
    assert {one.cancelled_in for one in chosen} == {None, "a", "b"}
    assert len(chosen) == 3


def test_coins_pay_for_their_own_inputs() -> None:
    with pytest.raises(RefusedError, match="lacks 5 sat"):
        choose([coin(1, 1_000)], needed_sat=1_000, input_fee_sat=5)
