"""What people are notified of, by which channel, and what each message needs to know.

The one table of kinds: preferences of users (`GET /users/{id}/notifications`), events of the outbox
and mails are looked up here.

    event in the outbox          key in the preferences              mail
    payment.reward               miner-reward                        payment-reward
    payment.correction           miner-reward                        payment-correction
    payment.payout               miner-payout                        payment-payout
    wallet.address-changed       miner-wallet-address-changed        wallet-address-changed
    wallet.minpay-changed        miner-wallet-minpay-changed         wallet-minpay-changed
    miner.delete-requested       delete-miner                        miner-delete-requested
    user.login                   user-login (email alone)            user-login
    worker-status-changed, ...   worker-status-changed               worker-status-digest
    threshold.crossed, .cleared  worker-status-changed               worker-status-digest
    (sent by a room itself)                                          invitation

Each key is a switch of e-mail and one of Telegram; webhooks get whatever concerns their miner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Channel(StrEnum):
    """Ways to reach a user, each with preferences of its own."""

    EMAIL = "email"
    TELEGRAM = "telegram"


class Notice(StrEnum):
    """Kinds of event that are not about a worker's status; column `events.kind`."""

    PAYMENT_REWARD = "payment.reward"
    # A settled day was counted again; the difference is a payment of its own.
    PAYMENT_CORRECTION = "payment.correction"
    PAYMENT_PAYOUT = "payment.payout"
    ADDRESS_CHANGED = "wallet.address-changed"
    MINPAY_CHANGED = "wallet.minpay-changed"
    DELETE_REQUESTED = "miner.delete-requested"
    LOGIN = "user.login"
    # A figure beyond a bound that somebody set, and back: `schemas.messages.thresholds`. Alerts, as
    # the statuses of workers are.
    THRESHOLD_CROSSED = "threshold.crossed"
    THRESHOLD_CLEARED = "threshold.cleared"
    # To the one webhook of field `webhook_id`: its owner tries it out.
    WEBHOOK_TEST = "webhook.test"


class MailKind(StrEnum):
    """Kinds of mail; column `outgoing_mails.kind`."""

    PAYMENT_REWARD = "payment-reward"
    PAYMENT_CORRECTION = "payment-correction"
    PAYMENT_PAYOUT = "payment-payout"
    ADDRESS_CHANGED = "wallet-address-changed"
    MINPAY_CHANGED = "wallet-minpay-changed"
    DELETE_REQUESTED = "miner-delete-requested"
    LOGIN = "user-login"
    STATUS_DIGEST = "worker-status-digest"
    INVITATION = "invitation"


THRESHOLD_NOTICES: Final = (Notice.THRESHOLD_CROSSED, Notice.THRESHOLD_CLEARED)

STATUS_CHANGED_KEY: Final = "worker-status-changed"


@dataclass(frozen=True, slots=True)
class Preference:
    """One switch of a user. `default` holds until the user chooses."""

    channel: Channel
    key: str
    default: bool


PREFERENCES: Final = (
    Preference(Channel.EMAIL, "delete-miner", default=True),
    Preference(Channel.EMAIL, "miner-payout", default=True),
    Preference(Channel.EMAIL, "miner-reward", default=True),
    Preference(Channel.EMAIL, "miner-wallet-address-changed", default=True),
    Preference(Channel.EMAIL, "miner-wallet-minpay-changed", default=True),
    Preference(Channel.EMAIL, "user-login", default=True),
    # A digest; nobody gets mail about workers without having asked for it.
    Preference(Channel.EMAIL, STATUS_CHANGED_KEY, default=False),
    Preference(Channel.TELEGRAM, STATUS_CHANGED_KEY, default=False),
    # The document has no such switches. A chat may be a group, so money is not shown there unasked.
    Preference(Channel.TELEGRAM, "delete-miner", default=False),
    Preference(Channel.TELEGRAM, "miner-payout", default=False),
    Preference(Channel.TELEGRAM, "miner-reward", default=False),
    Preference(Channel.TELEGRAM, "miner-wallet-address-changed", default=False),
    Preference(Channel.TELEGRAM, "miner-wallet-minpay-changed", default=False),
)


@dataclass(frozen=True, slots=True)
class NoticeSpec:
    """An event with fields: the key of its switches, and the mail it becomes."""

    notice: Notice
    key: str
    mail: MailKind


NOTICES: Final = (
    NoticeSpec(Notice.PAYMENT_REWARD, "miner-reward", MailKind.PAYMENT_REWARD),
    NoticeSpec(Notice.PAYMENT_CORRECTION, "miner-reward", MailKind.PAYMENT_CORRECTION),
    NoticeSpec(Notice.PAYMENT_PAYOUT, "miner-payout", MailKind.PAYMENT_PAYOUT),
    NoticeSpec(Notice.ADDRESS_CHANGED, "miner-wallet-address-changed", MailKind.ADDRESS_CHANGED),
    NoticeSpec(Notice.MINPAY_CHANGED, "miner-wallet-minpay-changed", MailKind.MINPAY_CHANGED),
    NoticeSpec(Notice.DELETE_REQUESTED, "delete-miner", MailKind.DELETE_REQUESTED),
    NoticeSpec(Notice.LOGIN, "user-login", MailKind.LOGIN),
)

NOTIFIED_ROLES: Final = ("owner", "admin", "accountant", "treasurer")
"""Who gets a notice about an entity; a viewer reads telemetry, not accounts."""

FIELDS: Final[Mapping[MailKind, tuple[str, ...]]] = MappingProxyType(
    {
        # amount: decimal text; day: the UTC day that the reward is for.
        MailKind.PAYMENT_REWARD: ("payment_id", "currency", "amount", "day"),
        # direction: incoming, or outgoing if the day came to less; amount has no sign.
        MailKind.PAYMENT_CORRECTION: ("payment_id", "currency", "amount", "day", "direction"),
        MailKind.PAYMENT_PAYOUT: ("payment_id", "currency", "amount", "address", "tx_hash"),
        # valid_from: RFC 3339, when the change comes into force.
        MailKind.ADDRESS_CHANGED: ("wallet_id", "currency", "address", "valid_from"),
        MailKind.MINPAY_CHANGED: ("wallet_id", "currency", "amount", "valid_from"),
        MailKind.DELETE_REQUESTED: ("requested_at",),
        MailKind.LOGIN: ("at", "ip_address", "user_agent"),
        # Made by the notifier.
        MailKind.STATUS_DIGEST: (),
        # title: of what the person may enter (an account name, an operator's or pool's title).
        MailKind.INVITATION: ("code", "valid_until", "title"),
    }
)
"""Fields that a mail of a kind needs, all texts; the same as its event's. Others are ignored.

The account name of a notice about a miner (the title of an operator or a pool) is added by the
notifier.
"""
