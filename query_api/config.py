"""Settings of the HTTP API, each with its reason. `deploy/settings.py` fills them."""

from __future__ import annotations

from dataclasses import dataclass, field


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


@dataclass(frozen=True, slots=True)
class KratosConfig:
    """Where sessions are checked; without `url` the two session schemes let nobody in."""

    # Address of Ory Kratos' public API.
    url: str | None = None
    # The cookie that Kratos knows a browser by.
    cookie_name: str = "ory_session_relaxedwescoffeywmz1r7og"
    # whoami answers in a few ms; 2 s is an outage, and the caller gets a 503.
    timeout_s: float = 2.0
    # A signed-out session lives on for at most this long here.
    cache_s: float = 10.0


@dataclass(frozen=True, slots=True)
class AccessConfig:
    """Who may call at all."""

    # False: every caller counts as the pool's own service. Only for the local stack on loopback;
    # deploy refuses it on any other address.
    required: bool = True
    # One more internal key, beside those in the database, for the first start of a deployment.
    internal_api_key: str | None = None
    kratos: KratosConfig = field(default_factory=KratosConfig)
    # How long an API key and its user's roles are remembered. Watcher tokens never are: they can be
    # revoked at once.
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
    # Wrong credentials from one address: nobody mistypes a key 60 times a minute.
    failures_per_address: int = 60


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """What is accepted and how long it may take."""

    # Above the statement timeout, below the 30 s after which most proxies give up.
    request_timeout_s: float = 15.0
    # What a client is told to wait after a 503; a PostgreSQL restart takes 1 to 5 s.
    retry_after_s: int = 2
    # 100 ids are 4 KB.
    max_target_bytes: int = 16_384
    # The largest body is a webhook with a long address.
    max_body_bytes: int = 65_536
    # Empty: any Host header, any-origin requests get no CORS headers.
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    # Below it the headers of a compressed answer cost more than it saves.
    compress_min_bytes: int = 1_000


@dataclass(frozen=True, slots=True)
class CacheConfig:
    """Answers that depend on the beat of the figures alone."""

    # Charts of a week take 20 KB: some 3,000 of them.
    max_bytes: int = 64 * 1024 * 1024
    # How often the leader's row is read (0.1 ms); an answer is never older than this.
    beat_poll_s: float = 0.5
    # Figures older than this carry a warning.
    stale_after_s: int = 60
    # Beats come 5 s past the minute, so that flushes of the finished minute are in.
    beat_phase_s: int = 5


@dataclass(frozen=True, slots=True)
class RankingConfig:
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
    # Streams at a time; one more is answered 503.
    max_streams: int = 1_000


@dataclass(frozen=True, slots=True)
class TelegramConfig:
    """The bot that users connect to; its messages are sent by the write side."""

    # As BotFather gave them; users are shown both.
    username: str = "hashgauge_bot"
    first_name: str = "Hashgauge"
    # An invite that was not used in a day is made anew.
    invite_valid_s: int = 86_400


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """Everything `create_app` needs."""

    database: DatabaseConfig
    # What stands before every route of the API.
    base_path: str = "/api/backend/v0.1"
    access: AccessConfig = field(default_factory=AccessConfig)
    limits: RateLimitConfig = field(default_factory=RateLimitConfig)
    http: HttpConfig = field(default_factory=HttpConfig)
    cache: CacheConfig = field(default_factory=CacheConfig)
    ranking: RankingConfig = field(default_factory=RankingConfig)
    events: EventStreamConfig = field(default_factory=EventStreamConfig)
    telegram: TelegramConfig = field(default_factory=TelegramConfig)
    # Days of one daily report: a quarter.
    report_max_days: int = 92
    # Webhooks to 127.0.0.0/8, 10.0.0.0/8 and the like are refused unless set.
    allow_private_webhooks: bool = False
