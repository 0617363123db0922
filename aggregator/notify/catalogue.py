"""The texts of mails in each language: one frozen table a language, complete (a test insists).

A mail is a subject, one sentence, and facts: a label and a value a line. `{name}` is the account or
title that the mail is about. A notice in a chat is the same sentence and facts in English.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from aggregator.notify.thresholds.message import ENGLISH, RUSSIAN, ThresholdTexts
from schemas.messages.notifications import MailKind
from schemas.worker import WorkerStatus

DEFAULT_LANGUAGE: Final = "en"

FACTS: Final[Mapping[MailKind, tuple[str, ...]]] = MappingProxyType(
    {
        MailKind.PAYMENT_REWARD: ("account_name", "day", "amount", "payment_id"),
        MailKind.PAYMENT_CORRECTION: ("account_name", "day", "amount", "payment_id"),
        MailKind.PAYMENT_PAYOUT: (
            *("account_name", "amount", "address", "tx_hash", "status", "payment_id"),
        ),
        MailKind.ADDRESS_CHANGED: ("account_name", "currency", "address", "valid_from"),
        MailKind.MINPAY_CHANGED: ("account_name", "amount", "valid_from"),
        MailKind.DELETE_REQUESTED: ("account_name", "requested_at"),
        MailKind.LOGIN: ("at", "ip_address", "user_agent"),
        MailKind.STATUS_DIGEST: (),
        MailKind.INVITATION: ("title", "code", "valid_until"),
    }
)
"""What each kind of mail shows, in this order; a field that an event does not have is left out."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All texts of one language."""

    subjects: Mapping[MailKind, str]
    sentences: Mapping[MailKind, str]
    labels: Mapping[str, str]
    statuses: Mapping[WorkerStatus, str]
    payout_stages: Mapping[str, str]
    """A payout is notified twice: when it is sent, and when it is final."""
    still: str
    """before a status that did not change"""
    source_silent: str
    source_back: str
    thresholds: ThresholdTexts
    more: str
    change_settings: str
    enter_code: str


_ENGLISH: Final = Catalogue(
    subjects={
        MailKind.PAYMENT_REWARD: "Reward for {name}",
        MailKind.PAYMENT_CORRECTION: "Correction for {name}",
        MailKind.PAYMENT_PAYOUT: "Payout for {name}",
        MailKind.ADDRESS_CHANGED: "Payout address of {name} changed",
        MailKind.MINPAY_CHANGED: "Minimum payout of {name} changed",
        MailKind.DELETE_REQUESTED: "Deletion of {name} requested",
        MailKind.LOGIN: "New sign-in to your account",
        MailKind.STATUS_DIGEST: "Workers of {name}",
        MailKind.INVITATION: "Invitation to {name}",
    },
    sentences={
        MailKind.PAYMENT_REWARD: "A reward was credited to your account.",
        MailKind.PAYMENT_CORRECTION: "The work of a settled day was counted again. The difference "
        "is a payment of its own.",
        MailKind.PAYMENT_PAYOUT: "A payout was sent to your address.",
        MailKind.ADDRESS_CHANGED: "The address for payouts was changed. If it was not you, contact "
        "the pool before the change comes into force.",
        MailKind.MINPAY_CHANGED: "The minimum payout was changed.",
        MailKind.DELETE_REQUESTED: "Somebody with access asked to delete this account. If it was "
        "not you, contact the pool.",
        MailKind.LOGIN: "Somebody signed in to your account from a new device. If it was not you, "
        "change your password.",
        MailKind.STATUS_DIGEST: "What changed:",
        MailKind.INVITATION: "You are invited to the account named below. Ignore this mail if you "
        "do not expect it.",
    },
    labels={
        "account_name": "Account",
        "address": "Address",
        "amount": "Amount",
        "at": "Time",
        "code": "Code",
        "currency": "Currency",
        "day": "Day",
        "ip_address": "IP address",
        "payment_id": "Payment",
        "requested_at": "Requested at",
        "status": "Status",
        "title": "Account",
        "tx_hash": "Transaction",
        "user_agent": "Device",
        "valid_from": "In force from",
        "valid_until": "Valid until",
    },
    statuses={
        WorkerStatus.STABLE: "stable",
        WorkerStatus.UNAVAILABLE: "unavailable",
        WorkerStatus.OFF: "off",
        WorkerStatus.REMOVED: "removed",
    },
    payout_stages={"broadcast": "sent, waits for confirmations", "final": "confirmed for good"},
    still="still",
    source_silent="Server {source} is silent, workers: {workers}",
    source_back="Server {source} is back",
    thresholds=ENGLISH,
    more="and {count} more",
    change_settings="Choose which mails you get:",
    enter_code="Accept the invitation:",
)

_RUSSIAN: Final = Catalogue(
    subjects={
        MailKind.PAYMENT_REWARD: "Начисление для {name}",
        MailKind.PAYMENT_CORRECTION: "Корректировка для {name}",
        MailKind.PAYMENT_PAYOUT: "Выплата для {name}",
        MailKind.ADDRESS_CHANGED: "Изменён адрес выплат {name}",
        MailKind.MINPAY_CHANGED: "Изменена минимальная выплата {name}",
        MailKind.DELETE_REQUESTED: "Запрошено удаление {name}",
        MailKind.LOGIN: "Новый вход в ваш аккаунт",
        MailKind.STATUS_DIGEST: "Воркеры {name}",
        MailKind.INVITATION: "Приглашение в {name}",
    },
    sentences={
        MailKind.PAYMENT_REWARD: "На ваш счёт начислено вознаграждение.",
        MailKind.PAYMENT_CORRECTION: "Работа за рассчитанный день пересчитана. Разница проведена "
        "отдельным платежом.",
        MailKind.PAYMENT_PAYOUT: "Выплата отправлена на ваш адрес.",
        MailKind.ADDRESS_CHANGED: "Адрес для выплат изменён. Если это сделали не вы, свяжитесь с "
        "пулом до вступления изменения в силу.",
        MailKind.MINPAY_CHANGED: "Минимальная сумма выплаты изменена.",
        MailKind.DELETE_REQUESTED: "Пользователь с доступом запросил удаление этого аккаунта. Если "
        "это были не вы, свяжитесь с пулом.",
        MailKind.LOGIN: "В ваш аккаунт вошли с нового устройства. Если это были не вы, смените "
        "пароль.",
        MailKind.STATUS_DIGEST: "Что изменилось:",
        MailKind.INVITATION: "Вас пригласили в указанный ниже аккаунт. Если вы не ждали этого "
        "письма, не обращайте на него внимания.",
    },
    labels={
        "account_name": "Аккаунт",
        "address": "Адрес",
        "amount": "Сумма",
        "at": "Время",
        "code": "Код",
        "currency": "Валюта",
        "day": "День",
        "ip_address": "IP-адрес",
        "payment_id": "Платёж",
        "requested_at": "Запрошено",
        "status": "Состояние",
        "title": "Аккаунт",
        "tx_hash": "Транзакция",
        "user_agent": "Устройство",
        "valid_from": "Действует с",
        "valid_until": "Действительно до",
    },
    statuses={
        WorkerStatus.STABLE: "работает",
        WorkerStatus.UNAVAILABLE: "недоступен",
        WorkerStatus.OFF: "выключен",
        WorkerStatus.REMOVED: "удалён",
    },
    payout_stages={"broadcast": "отправлена, ждёт подтверждений", "final": "подтверждена"},
    still="по-прежнему",
    source_silent="Сервер {source} молчит, воркеров: {workers}",
    source_back="Сервер {source} снова на связи",
    thresholds=RUSSIAN,
    more="и ещё {count}",
    change_settings="Выбрать, какие письма получать:",
    enter_code="Принять приглашение:",
)

CATALOGUES: Final[Mapping[str, Catalogue]] = MappingProxyType({"en": _ENGLISH, "ru": _RUSSIAN})


def catalogue_of(language: str) -> Catalogue:
    """English for a language that there is no catalogue of."""
    return CATALOGUES.get(language, CATALOGUES[DEFAULT_LANGUAGE])
