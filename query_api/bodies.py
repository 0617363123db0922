"""Bodies of requests: what may be in them, and nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    WithJsonSchema,
)

from query_api.moments import storable
from schemas.access import WATCHER_TOKEN_PREFIX, Role
from schemas.units import HASHES_PER_DIFFICULTY

# 10^21 hashes per second is about what all miners of the world do together.
HASHRATE_MAX: Final = 10**21

# Printable ASCII: engines disagree on which other characters are space.
EMAIL_PATTERN: Final = r"^[!-?A-~]+@[!-?A-~]+$"
BOUNDARY_NAME_PATTERN: Final = r"""^[A-Za-z0-9_`%$#@!^&*()\[\]{}<>/\\'"~-]{3,64}$"""


def _number_or_text(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number or a decimal string is expected")
    return value


# Decimal texts of at least 2^32, as a regular expression.
_AT_LEAST_2_32: Final = (
    r"^([1-9][0-9]{10,20}|[5-9][0-9]{9}|4[3-9][0-9]{8}|429[5-9][0-9]{6}|42949[7-9][0-9]{4}"
    r"|429496[89][0-9]{3}|4294967[3-9][0-9]{2}|429496729[6-9])(\.[0-9]{1,6})?$"
)


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a whole number is expected")
    return value


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("a date-time is expected")
    return value


Hashrate = Annotated[
    Decimal,
    BeforeValidator(_number_or_text),
    Field(ge=HASHES_PER_DIFFICULTY, le=HASHRATE_MAX),
    WithJsonSchema(
        {
            "description": "Hashes per second, a decimal string or a number, at least 4294967296.",
            "anyOf": [
                {"type": "string", "pattern": _AT_LEAST_2_32},
                {"type": "number", "minimum": HASHES_PER_DIFFICULTY, "maximum": HASHRATE_MAX},
            ],
            "examples": ["100000000000000.00", 100000000000000],
        }
    ),
]
Fee = Annotated[
    Decimal,
    BeforeValidator(_number_or_text),
    Field(ge=0, le=1),
    WithJsonSchema(
        {
            "description": "A share, 0 to 1, a decimal string or a number.",
            "anyOf": [
                {"type": "string", "pattern": r"^(0(\.[0-9]{1,6})?|1(\.0{1,6})?)$"},
                {"type": "number", "minimum": 0, "maximum": 1},
            ],
        }
    ),
]
Title = Annotated[
    str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["Hall 3"])
]
AccountName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{3,32}$", examples=["north_hall"])]
Email = Annotated[
    str,
    Field(
        max_length=254,
        pattern=EMAIL_PATTERN,
        examples=["miner@example.com"],
    ),
    AfterValidator(str.lower),
]
Roles = Annotated[list[Role], Field(min_length=1, max_length=len(Role))]
RolesButTreasurer = Annotated[
    list[Literal[Role.OWNER, Role.ADMIN, Role.VIEWER, Role.ACCOUNTANT]],
    Field(min_length=1, max_length=len(Role)),
]
WebhookUrl = Annotated[
    str,
    Field(
        max_length=2_000,
        pattern=r"^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
        r"(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
        r"(/[!-~]*)?$",
        examples=["https://example.com/hashgauge"],
    ),
]
WATCHER_TOKEN_PATTERN: Final = rf"^{WATCHER_TOKEN_PREFIX}[0-9a-f]{{64}}$"
WatcherToken = Annotated[str, Field(pattern=WATCHER_TOKEN_PATTERN)]


class Body(BaseModel):
    """Unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid")


class NewBoundaryWorker(Body):
    name: Annotated[str, Field(pattern=BOUNDARY_NAME_PATTERN, examples=["gift-1"])]
    recipient_miner_id: UUID
    donor_miner_id: UUID
    hashrate: Hashrate


class ChangedBoundaryWorker(Body):
    hashrate: Hashrate


class NewMiner(Body):
    """`email`: who becomes owner. `rate` is the pool's accounting and is not kept here."""

    account_name: AccountName
    title: Title | None = None
    email: Email | None = None
    rate: Fee | None = None


class NewOperatorMiner(Body):
    """As a pool's, without a title."""

    account_name: AccountName
    email: Email | None = None
    rate: Fee | None = None


class RegisteredMiner(Body):
    account_name: AccountName


class NewTitle(Body):
    title: Title


class OperatorAccess(Body):
    email: Email
    roles: Roles


class Access(Body):
    """On a miner or a pool, which have no treasurer."""

    email: Email
    roles: RolesButTreasurer


class NewWatcher(Body):
    title: Title | None = None
    extra_permissions: Annotated[list[Literal["accountant"]], Field(max_length=1)] = []


class Bookmark(Body):
    token: WatcherToken


class Alerts(Body):
    """`delay_seconds`: how long a worker must stay in its new status before anybody is told."""

    delay_seconds: Annotated[int, Field(ge=0, le=86_400), BeforeValidator(_number)]
    muted_until: (
        Annotated[AwareDatetime, BeforeValidator(_text), AfterValidator(storable)] | None
    ) = None


class Switch(Body):
    enabled: StrictBool


class TelegramSwitches(Body):
    worker_status_changed: Annotated[Switch | None, Field(alias="worker-status-changed")] = None


class EmailSwitches(Body):
    """Nothing is sent by email yet."""


class Notifications(Body):
    email: EmailSwitches | None = None
    telegram: TelegramSwitches | None = None


class NewWebhook(Body):
    url: WebhookUrl


class ChangedWebhook(Body):
    url: WebhookUrl | None = None
    enabled: StrictBool | None = None
