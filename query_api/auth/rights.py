"""The one table of rights: which role on which entity may do what."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.access import Role


class Action(StrEnum):
    """What a caller wants to do to a pool, an operator or a miner."""

    READ_TELEMETRY = "read_telemetry"
    """Charts, stats, workers, reports, events."""
    READ_LABELS = "read_labels"
    """Tags, groups and notes of workers: who has a role here writes them for each other."""
    READ_POOL_STATS = "read_pool_stats"
    READ_ENTITY = "read_entity"
    """The object itself: names, owner, how many workers."""
    CHANGE = "change"
    """Titles, workers, labels, boundary workers, webhooks, alerts, watcher links, new miners."""
    MANAGE_ACCESS = "manage_access"
    """Who else has a role."""
    MANAGE_OWNERS = "manage_owners"
    """Who is owner."""
    READ_PAYMENTS = "read_payments"
    """Payments, earnings, balances, statements."""
    PAY = "pay"
    """Payout batches of a pool: reading them, and every step."""
    BOOK_BY_HAND = "book_by_hand"
    """Transfers that no rule books: the internal key alone."""
    READ_TERMS = "read_terms"
    """Fee schedules, profit sharing, referrals, wallets."""
    CHANGE_POOL_FEE = "change_pool_fee"
    """What a miner pays to the pool."""
    CHANGE_OPERATOR_FEE = "change_operator_fee"
    """What a miner pays to its operator, and what new miners will pay."""
    CHANGE_SHARING = "change_sharing"
    """What a miner gives to others, and what they pay for it."""
    CHANGE_WALLET = "change_wallet"
    """Where a miner, an operator or a pool is paid to; asked of that entity alone."""


ANY: Final = frozenset(Role)
MANAGERS: Final = frozenset({Role.OWNER, Role.ADMIN})
OWNERS: Final = frozenset({Role.OWNER})
NOBODY: Final[frozenset[Role]] = frozenset()
ACCOUNTS: Final = MANAGERS | {Role.ACCOUNTANT, Role.TREASURER}
"""Who reads about money. A viewer reads telemetry alone."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Roles that allow an action, by the entity they are held on. A role on a pool reaches down to
    its operators and miners, one on an operator to its miners, never up."""

    pool: frozenset[Role]
    operator: frozenset[Role]
    miner: frozenset[Role]
    watcher: bool = False
    extra_permission: str | None = None
    """What a watcher link must have been given for it, if anything."""


RIGHTS: Final[Mapping[Action, Grant]] = {
    Action.READ_TELEMETRY: Grant(pool=ANY, operator=ANY, miner=ANY, watcher=True),
    Action.READ_LABELS: Grant(pool=ANY, operator=ANY, miner=ANY),
    Action.READ_POOL_STATS: Grant(
        pool=frozenset({Role.OWNER, Role.ACCOUNTANT, Role.ADMIN}), operator=NOBODY, miner=NOBODY
    ),
    Action.READ_ENTITY: Grant(pool=ANY, operator=ANY, miner=ANY, watcher=True),
    Action.CHANGE: Grant(pool=MANAGERS, operator=MANAGERS, miner=MANAGERS),
    Action.MANAGE_ACCESS: Grant(pool=MANAGERS, operator=MANAGERS, miner=MANAGERS),
    Action.MANAGE_OWNERS: Grant(pool=OWNERS, operator=OWNERS, miner=OWNERS),
    Action.READ_PAYMENTS: Grant(
        pool=ACCOUNTS,
        operator=ACCOUNTS,
        miner=ACCOUNTS,
        watcher=True,
        extra_permission="accountant",
    ),
    Action.PAY: Grant(pool=MANAGERS, operator=NOBODY, miner=NOBODY),
    Action.BOOK_BY_HAND: Grant(pool=NOBODY, operator=NOBODY, miner=NOBODY),
    Action.READ_TERMS: Grant(pool=ACCOUNTS, operator=ACCOUNTS, miner=ACCOUNTS),
    # Each side sets its own price: a role above or below does not.
    Action.CHANGE_POOL_FEE: Grant(pool=MANAGERS, operator=NOBODY, miner=NOBODY),
    Action.CHANGE_OPERATOR_FEE: Grant(pool=NOBODY, operator=MANAGERS, miner=NOBODY),
    Action.CHANGE_SHARING: Grant(pool=NOBODY, operator=NOBODY, miner=MANAGERS),
    Action.CHANGE_WALLET: Grant(
        pool=MANAGERS, operator=MANAGERS | {Role.TREASURER}, miner=MANAGERS
    ),
}


def opened_by(roles: Set[Role]) -> frozenset[Action]:
    """What roles open on an entity, whatever its kind."""
    return frozenset(
        action
        for action, grant in RIGHTS.items()
        if roles & (grant.pool | grant.operator | grant.miner)
    )
