"""Shapes of webhooks, miners, operators, pools and users."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from query_api.models.telemetry import Counts, MinerBrief, Pagination, Shape
from query_api.store.webhooks import DeliveryStatus
from schemas.access import Role


class Webhook(Shape):
    id: UUID
    url: str
    enabled: bool
    created_at: datetime
    previous_secret_until: datetime | None


class WebhookWithSecret(Webhook):
    secret: Annotated[str, Field(description="Shown once.")]


class WebhookList(Shape):
    data: list[Webhook]


class Delivery(Shape):
    id: UUID
    event_id: UUID
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None


class DeliveryList(Shape):
    data: list[Delivery]
    pagination: Pagination


class AlertSettings(Shape):
    delay_seconds: int
    muted_until: datetime | None


class Id(Shape):
    id: UUID


class Owner(Shape):
    id: UUID
    status: str
    registered_at: datetime


class WorkersSummary(Shape):
    count: Annotated[int, Field(description="Without removed ones.")]
    statuses: Counts


class Miner(Shape):
    id: UUID
    account_name: str
    title: str | None
    status: str
    wallets: list[Any]
    pool: Id
    operator: Id | None
    owner: Owner | None
    created_at: datetime
    workers: WorkersSummary
    alerts: AlertSettings


class MinerList(Shape):
    data: list[Miner]
    pagination: Pagination


class OperatorSettings(Shape):
    default_pool_fee_for_customer: float


class Count(Shape):
    count: int


class Operator(Shape):
    id: UUID
    title: str
    status: str
    wallets: list[Any]
    owner: Owner | None
    settings: OperatorSettings
    miners: Count
    workers: WorkersSummary


class OperatorList(Shape):
    data: list[Operator]
    pagination: Pagination


class PoolSettings(Shape):
    default_language: str
    available_languages: list[str]


class PublicPool(Shape):
    id: UUID
    status: str
    title: str
    settings: PoolSettings


class Pool(PublicPool):
    wallets: list[Any]
    workers: WorkersSummary


class MemberUser(Shape):
    id: UUID
    email: str | None
    status: str


class Member(Shape):
    user: MemberUser
    roles: list[Role]


class Watcher(Shape):
    id: UUID
    token: str
    title: str
    created_at: datetime
    extra_permissions: list[str]


class WatcherList(Shape):
    data: list[Watcher]
    pagination: Pagination


class WatcherPermission(Shape):
    id: UUID
    type: Literal["miner"]
    account_name: str
    access: list[Literal["section_workers_read", "section_payments_read"]]


class BookmarkedWatcher(Shape):
    token: str
    title: str
    miner: MinerBrief
    created_at: datetime


class BookmarkList(Shape):
    data: list[BookmarkedWatcher]


class User(Shape):
    id: UUID
    status: str
    language: str


class Permission(Shape):
    type: Literal["pool", "operator", "miner"]
    id: UUID
    account_name: str | None
    roles: list[Role]


class CurrentUser(Shape):
    user: User | None
    permissions: list[Permission]


class Preference(Shape):
    enabled: bool
    readonly: bool


class TelegramPreferences(Shape):
    worker_status_changed: Annotated[Preference, Field(alias="worker-status-changed")]


class Preferences(Shape):
    email: dict[str, Preference]
    telegram: TelegramPreferences


class Bot(Shape):
    username: str
    first_name: str


class Invite(Shape):
    code: str
    valid_until: datetime
    created_at: datetime
    activated_at: datetime | None


class TelegramInvite(Shape):
    bot: Bot
    invite: Invite


class Chat(Shape):
    id: int
    user: dict[str, Any]


class TelegramChat(Shape):
    bot: Bot
    chat: Chat


class Health(Shape):
    status: str
