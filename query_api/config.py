"""Settings of the HTTP API, each with its reason. `deploy/settings/settings.py` fills them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from schemas.addresses.bitcoin import BitcoinNetwork

BROWSER_URL: Final = re.compile(r"(https?://[A-Za-z0-9.:\[\]-]+)?(/[A-Za-z0-9._~-]+)*/?")


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """How the API uses PostgreSQL."""

    url: str
    # One process saturates a core at about 8 busy connections; 16 leaves room for slow lists.
    pool_size: int = 16
    # Waiting requests beyond this are turned away at once: at 3,000 requests/s 200 waiters are
    # served within 0.1 s, more would only time out.
    queue_size: int = 200
    # A request that got no connection by then answers 503 rather than pile up.
    acquire_timeout_s: float = 2.0
    # The slowest list (a pool of 1,000,000 workers, by name) takes under 2 s.
    statement_timeout_s: float = 8.0
    # A server that is there answers within milliseconds.
    connect_timeout_s: float = 3.0
    # What stands in pg_stat_activity.
    application_name: str = "hashgauge-api"
    # `/readyz` waits for a database with at least this schema.
    schema_version: int = 0

    def __post_init__(self) -> None:
        if self.pool_size < 1 or self.queue_size < 1:
            raise ValueError("pool_size and queue_size are 1 at the least")


@dataclass(frozen=True, slots=True)
class MoneyConfig:
    """Wallets and payments."""

    # That of the chain that is followed: what goes to an address of another one is burnt.
    network: BitcoinNetwork = BitcoinNetwork.MAINNET
    # Who broke into an account changes the address first: its owner has a day to notice.
    address_wait_s: float = 86_400.0
    # Days of one export of payments, as the document has it.
    export_max_days: int = 90


@dataclass(frozen=True, slots=True)
class KratosConfig:
    """Where sessions are checked; without `url` the two session schemes let nobody in."""

    # Address of Ory Kratos' public API.
    url: str | None = None
    # Where browsers reach that API: a path which the reverse proxy passes on (`/identity`), or
    # another origin, which must allow this one (CORS). Without it the dashboard has no log-in page.
    browser_url: str | None = None
    # Address of its admin API, which nobody but this service may reach. Without it nothing is known
    # of second factors, and sessions cannot be listed or ended here.
    admin_url: str | None = None
    # The cookie that Kratos knows a browser by.
    cookie_name: str = "ory_session_relaxedwescoffeywmz1r7og"
    # whoami answers in a few ms; 2 s is an outage, and the caller gets a 503.
    timeout_s: float = 2.0
    # A signed-out session lives on for at most this long here.
    cache_s: float = 10.0

    def __post_init__(self) -> None:
        if self.browser_url is not None and not BROWSER_URL.fullmatch(self.browser_url):
            raise ValueError(
                "browser_url is a path such as `/identity`, or an http(s) address, with no query"
            )

    @property
    def browser_base(self) -> str:
        """What the pages put before Kratos' paths; empty without sign-in."""
        return (self.browser_url or "").rstrip("/")

    @property
    def browser_origin(self) -> str | None:
        """What the pages must be allowed to call; None if it is their own."""
        base = self.browser_base
        return "/".join(base.split("/")[:3]) if base.startswith("http") else None


@dataclass(frozen=True, slots=True)
class AccessConfig:
    """Who may call at all."""

    # False: every caller counts as the pool's own service. Only for the local stack on loopback;
    # deploy refuses it on any other address.
    required: bool = True
    # One more internal key, beside those in the database, for the first start of a deployment.
    internal_api_key: str | None = None
    kratos: KratosConfig = field(default_factory=KratosConfig)
    # How long an API key, its user's roles, and under whom a miner is are remembered. Watcher
    # tokens never are: they can be revoked at once.
    cache_s: float = 2.0
    cache_size: int = 10_000


@dataclass(frozen=True, slots=True)
class RateLimitConfig:
    """Requests a minute, per process; 0 turns a limit off."""

    # A dashboard asks about 20 times a minute for each open page.
    per_caller: int = 1_200
    # The pool's own backend speaks for all users.
    per_internal_caller: int = 60_000
    # Several users behind one address.
    per_address: int = 6_000
    # Wrong credentials from one address: nobody mistypes a key 60 times a minute. A right one is
    # let in all the same.
    failures_per_address: int = 60
    # Look-ups without an account, from one address: a page asks four times a minute, and names
    # cannot be tried by the thousand.
    look_ups_per_address: int = 60


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """What is accepted and how long it may take."""

    # Above the statement timeout, below the 30 s after which most proxies give up.
    request_timeout_s: float = 15.0
    # 100 ids are 4 KB.
    max_target_bytes: int = 16_384
    # The largest body is a webhook with a long address.
    max_body_bytes: int = 65_536
    # But for a signed PSBT: it holds the transactions that its coins come from, 300 KB for a batch
    # of 2,500 payees that spends the change of another one.
    max_psbt_bytes: int = 2_097_152
    # Empty: any Host header, any-origin requests get no CORS headers.
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    # A line for each request (its route, never its address, which may hold a token). Off: the proxy
    # in front writes one already.
    access_log: bool = False
    # Below it the headers of a compressed answer cost more than it saves.
    compress_min_bytes: int = 1_000


@dataclass(frozen=True, slots=True)
class CacheConfig:
    """Telemetry answers, kept while the version of the figures lasts."""

    # Charts of a week take 20 KB: some 3,000 of them.
    max_bytes: int = 64 * 1024 * 1024
    # How often the leader's row is read (0.1 ms); an answer is never older than this.
    version_poll_s: float = 0.5
    # Figures older than this carry a warning.
    stale_after_s: int = 60
    # The leader's cycle begins 5 s past the minute, so that flushes of the finished minute are in.
    cycle_phase_s: int = 5


@dataclass(frozen=True, slots=True)
class ChartConfig:
    """How far back each level of figures reaches, in seconds: the retention. A chart of an older
    range is made of the next coarser one; days are kept for good."""

    minutes_s: int = 3 * 86_400
    quarters_s: int = 35 * 86_400
    hours_s: int = 396 * 86_400


@dataclass(frozen=True, slots=True)
class WorkerIndexConfig:
    """Orders of very many workers, kept in memory while somebody asks."""

    # A miner's limit. Below it PostgreSQL sorts a list in some 20 ms.
    from_workers: int = 20_000
    # 80 bytes a worker, and twice its name, stay in memory for so long after the last question.
    keep_s: float = 600.0
    # How often an order in use looks for new figures.
    poll_s: float = 0.25


@dataclass(frozen=True, slots=True)
class EventStreamConfig:
    """Server-Sent Events."""

    # How often new events are looked for, once for all streams.
    poll_s: float = 1.0
    # Proxies drop a silent connection after 60 s. As often each caller's right is looked at anew.
    heartbeat_s: float = 15.0
    # Events a slow reader may be behind before it is cut off; it resumes with Last-Event-ID.
    queue_size: int = 1_000
    # Streams at a time; one more is answered 503. Each takes some 60 KB.
    max_streams: int = 1_000
    # Of one caller, and from one address: a browser opens six. More are answered 429. The pool's
    # own services may have all of them.
    max_streams_per_caller: int = 20


@dataclass(frozen=True, slots=True)
class BoundaryConfig:
    """Boundary workers in force; figures of each are made every minute."""

    # The largest donors of one pool serve some 200 customers, each with one or two.
    max_per_donor: int = 1_000
    # Recipients of several donors are rare.
    max_per_recipient: int = 100


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """Daily reports: a month of 20,000 workers is 600,000 lines."""

    # Days of one report: a quarter.
    max_days: int = 92
    # Reports that are being written at a time. Each keeps a thread and the rows of one day (10 MB
    # for 20,000 workers); two threads take a core. One more is answered 503.
    max_at_once: int = 4
    # Of one caller, so that one person does not have all of them.
    max_per_caller: int = 2
    # Rows that are formatted in one go, 10 ms in a thread.
    rows_at_once: int = 1_000


@dataclass(frozen=True, slots=True)
class TelegramConfig:
    """The bot that users connect to; it runs in the notifier, which keeps its name."""

    # An invite that was not used in a day is made anew.
    invite_valid_s: int = 86_400


@dataclass(frozen=True, slots=True)
class InvitationConfig:
    """Roles that wait for somebody with an address."""

    # Codes are made from it, so that none is stored; the same for all processes. Without it codes
    # cannot be shown again in lists after a restart; those that were sent work all the same.
    secret: str | None = None
    # A week: people are on holiday, and who comes too late is sent another.
    valid_s: float = 604_800.0
    # A large operator moves its clients in within days; a stranger's address book is larger.
    per_user_and_day: int = 200
    # Of the mail; the invited one has chosen none yet.
    language: Literal["en", "ru"] = "en"


@dataclass(frozen=True, slots=True)
class PeopleConfig:
    """Users and what is sent to them."""

    invitations: InvitationConfig = field(default_factory=InvitationConfig)
    # Secret of Intercom's identity verification; without it `verification` stays empty.
    intercom_secret: str | None = None
    # Keys in force: one for each program, and room for those that are being replaced.
    keys_per_user: int = 50
    # Miners that one user may register, beside those that it is given roles on: a person with a
    # farm in each country has some ten.
    miners_per_user: int = 100
    # Watcher links in force of one miner: for customers, wall displays, an accountant.
    watchers_per_miner: int = 100


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """Everything `create_app` needs."""

    database: DatabaseConfig
    # What stands before every route of the API.
    base_path: str = "/api/backend/v0.1"
    access: AccessConfig = field(default_factory=AccessConfig)
    limits: RateLimitConfig = field(default_factory=RateLimitConfig)
    http: HttpConfig = field(default_factory=HttpConfig)
    money: MoneyConfig = field(default_factory=MoneyConfig)
    cache: CacheConfig = field(default_factory=CacheConfig)
    charts: ChartConfig = field(default_factory=ChartConfig)
    worker_index: WorkerIndexConfig = field(default_factory=WorkerIndexConfig)
    events: EventStreamConfig = field(default_factory=EventStreamConfig)
    telegram: TelegramConfig = field(default_factory=TelegramConfig)
    people: PeopleConfig = field(default_factory=PeopleConfig)
    # Boundary workers.
    boundary: BoundaryConfig = field(default_factory=BoundaryConfig)
    # Daily reports.
    reports: ReportConfig = field(default_factory=ReportConfig)
    # Webhooks to 127.0.0.0/8, 10.0.0.0/8 and the like are refused unless set.
    allow_private_webhooks: bool = False
    # What must be read again (secrets of webhooks, watcher links, codes for the bot) is stored
    # sealed with the first of these Fernet keys; all of them open. Without any it is stored plain.
    sealing_keys: tuple[str, ...] = field(default=(), repr=False)
