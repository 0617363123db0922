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
    model_validator,
)

from query_api.http.query_params import note_unknown
from query_api.http.timestamps import storable
from schemas.access import WATCHER_TOKEN_PREFIX, Role
from schemas.addresses.email import MAX_LENGTH, normalized
from schemas.messages.notifications import PREFERENCES, Channel
from schemas.names.titles import ONE_LINE, SHOWN, TITLE_MAX, as_kept
from schemas.units import HASHES_PER_DIFFICULTY

# 10^21 hashes per second is about what all miners of the world do together.
HASHRATE_MAX: Final = 10**21

BOUNDARY_NAME_PATTERN: Final = r"""^[A-Za-z0-9_`%$#@!^&*()\[\]{}<>/\\'"~-]{3,64}$"""


def number_or_text(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number or a decimal string is expected")
    return value


# Whole numbers of at least 2^32, as a regular expression.
_AT_LEAST_2_32: Final = (
    r"^([1-9][0-9]{10,20}|[5-9][0-9]{9}|4[3-9][0-9]{8}|429[5-9][0-9]{6}|42949[7-9][0-9]{4}"
    r"|429496[89][0-9]{3}|4294967[3-9][0-9]{2}|429496729[6-9])$"
)


def _plain_digits(value: Any) -> Any:
    """`1e14` and `1.5` are numbers to Python, but not to the document."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("whole hashes per second are expected, digits alone")


def number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a whole number is expected")
    return value


def text(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("a date-time is expected")
    return value


Hashrate = Annotated[
    Decimal,
    BeforeValidator(_plain_digits),
    Field(ge=HASHES_PER_DIFFICULTY, le=HASHRATE_MAX),
    WithJsonSchema(
        {
            "description": "Whole hashes per second, digits or a number, at least 4294967296.",
            "anyOf": [
                {"type": "string", "pattern": _AT_LEAST_2_32},
                {"type": "integer", "minimum": HASHES_PER_DIFFICULTY, "maximum": HASHRATE_MAX},
            ],
            "examples": ["100000000000000", 100000000000000],
        }
    ),
]
Fee = Annotated[
    Decimal,
    BeforeValidator(number_or_text),
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


def _kept(value: Any) -> Any:
    return as_kept(value) if isinstance(value, str) else value


Typed = BeforeValidator(_kept)
"""Of names that people type: one name is one text, however it was typed."""

Title = Annotated[
    str, Field(min_length=1, max_length=TITLE_MAX, pattern=SHOWN, examples=["Hall 3"]), Typed
]
AccountName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{3,32}$", examples=["north_hall"])]
ReferrerCode = Annotated[str, Field(pattern=r"^hfrc_[A-Z0-9]{8}$", examples=["hfrc_XZKKINF0"])]
Email = Annotated[
    str,
    AfterValidator(normalized),
    WithJsonSchema(
        {
            "type": "string",
            "format": "email",
            "maxLength": MAX_LENGTH,
            "description": "ASCII; compared in lower case.",
            "examples": ["miner@example.com"],
        }
    ),
]
# Owners come to be otherwise: by registering, by an invitation to a new miner, by a command.
OperatorRoles = Annotated[
    list[Literal[Role.ADMIN, Role.VIEWER, Role.ACCOUNTANT, Role.TREASURER]],
    Field(min_length=1, max_length=4, description="Repeats count once."),
]
GivenRoles = Annotated[
    list[Literal[Role.ADMIN, Role.VIEWER, Role.ACCOUNTANT]],
    Field(min_length=1, max_length=4, description="Repeats count once."),
]
WebhookUrl = Annotated[
    str,
    Field(
        max_length=2_000,
        pattern=r"^https?://",
        description="A public https address.",
        examples=["https://example.com/hashgauge"],
    ),
]
"""The rule is `schemas.addresses.webhook`."""
WATCHER_TOKEN_PATTERN: Final = rf"^{WATCHER_TOKEN_PREFIX}[0-9a-f]{{64}}$"
WatcherToken = Annotated[str, Field(pattern=WATCHER_TOKEN_PATTERN)]


class Body(BaseModel):
    """Unknown fields are ignored, and named in `X-Unknown-Parameters`."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _note_unknown(cls, value: Any) -> Any:
        if isinstance(value, dict):
            known = {field.alias or name for name, field in cls.model_fields.items()}
            note_unknown(str(name) for name in value if name not in known)
        return value


class NewBoundaryWorker(Body):
    name: Annotated[str, Field(pattern=BOUNDARY_NAME_PATTERN, examples=["gift-1"])]
    recipient_miner_id: UUID
    donor_miner_id: UUID
    hashrate: Hashrate


class ChangedBoundaryWorker(Body):
    hashrate: Hashrate


class NewMiner(Body):
    """`email`: who is invited to own it. `rate`: the first entry of its fee schedule."""

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
    """`referrer_code`: of the miner that brought this one; for ever."""

    account_name: AccountName
    referrer_code: ReferrerCode | None = None


class NewTitle(Body):
    title: Title


class OperatorAccess(Body):
    email: Email
    roles: OperatorRoles


class Access(Body):
    """On a miner or a pool, which have no treasurer."""

    email: Email
    roles: GivenRoles


class Revoked(Body):
    """Whose roles end; without an address the caller's own."""

    email: Email | None = None


class NewWatcher(Body):
    """An empty title is none."""

    title: Annotated[str, Field(max_length=TITLE_MAX, pattern=ONE_LINE), Typed] | None = None
    extra_permissions: Annotated[list[Literal["accountant"]], Field(max_length=1)] = []


class Bookmark(Body):
    token: WatcherToken


class Alerts(Body):
    """`delay_seconds`: how long a worker must stay in its new status before anybody is notified."""

    delay_seconds: Annotated[int, Field(ge=0, le=86_400), BeforeValidator(number)]
    muted_until: (
        Annotated[AwareDatetime, BeforeValidator(text), AfterValidator(storable)] | None
    ) = None


class Switch(Body):
    enabled: StrictBool


def _switches(channel: Channel) -> Any:
    keys: list[Any] = [
        preference.key for preference in PREFERENCES if preference.channel is channel
    ]
    return Field(None, json_schema_extra={"propertyNames": {"enum": keys}})


class Notifications(Body):
    """Any subset; what is not named stays as it is."""

    email: dict[str, Switch] | None = _switches(Channel.EMAIL)
    telegram: dict[str, Switch] | None = _switches(Channel.TELEGRAM)


class NewWebhook(Body):
    url: WebhookUrl


class ChangedWebhook(Body):
    url: WebhookUrl | None = None
    enabled: StrictBool | None = None
