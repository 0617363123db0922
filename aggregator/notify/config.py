"""Settings of the publisher and its channels; defaults suit a pool of any size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from schemas.topics import WORKER_STATUS
from schemas.worker import StatusPolicy


@dataclass(frozen=True, slots=True)
class KafkaConfig:
    """Events on a topic. Times in seconds."""

    bootstrap_servers: str = "localhost:9092"
    topic: str = WORKER_STATUS
    # Used only if we create the topic. Events of one worker stay on one partition.
    partitions: int = 6
    replication_factor: int = 1
    # Acknowledgement of a whole batch; after that the same batch is sent again.
    send_timeout_s: float = 30.0
    # Anything else for the client: security_protocol, sasl_mechanism, ssl_context, ...
    client: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """Delivery to receivers that we know nothing about. Times in seconds."""

    # Receivers should answer first and work afterwards; Standard Webhooks advises 15 to 30 s.
    timeout_s: float = 15.0
    # Receivers served at once: so many slow ones can be borne before others wait.
    concurrency: int = 64
    # Messages that one receiver gets, one after another, before others may have its place.
    messages_per_worker: int = 20
    # 5 s, 15 s, 45 s ... but at most four hours apart: 14 attempts take a day, then it has failed.
    first_retry_s: float = 5.0
    retry_factor: float = 3.0
    longest_retry_s: float = 14_400.0
    attempts: int = 14
    # A receiver that failed gets no message for as long as a retry waits, but at most this long:
    # without a circuit breaker 1,500 waiting messages were 120 requests a second.
    longest_break_s: float = 60.0
    # If a receiver failed for so long while we tried, messages that waited as long fail, too.
    give_up_s: float = 90_000.0
    # Delays vary by this much, so that receivers that failed together are not called together.
    jitter_ratio: float = 0.25
    # http: and addresses of this network. For trying out and for pools that run the receiver.
    allow_private: bool = False
    # A PEM file of certificates to trust beside the system's: of the pool's own authority.
    # (SSL_CERT_FILE is not read: nothing of the environment decides where messages go.)
    ca_file: str | None = None
    # How often due deliveries are looked for.
    poll_s: float = 1.0
    # How long the list of what was delivered and given up reaches back.
    keep_s: float = 30 * 86_400.0
    # Keys that open the receivers' secrets, as the API has them.
    sealing_keys: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class TelegramConfig:
    """A bot of the Bot API. Times in seconds."""

    token: str = field(repr=False)
    # Telegram's own, or a Bot API server of yours.
    base_url: str = "https://api.telegram.org"
    # A message usually takes under a second.
    timeout_s: float = 15.0
    # Long poll for updates (`/start CODE`); Telegram holds the request this long.
    long_poll_s: int = 25
    poll_s: float = 1.0
    # A miner's lines of so long go out as one message.
    fold_s: float = 60.0
    # Lines older than this say nothing that anybody still wants to know.
    give_up_s: float = 86_400.0
    retry_s: float = 30.0
    # Telegram allows about 30 messages a second over all chats.
    messages_per_s: float = 25.0
    # If so many chats in a row are refused with 429, the limit is the bot's own and all chats wait.
    refused_chats_of_bot_limit: int = 3


@dataclass(frozen=True, slots=True)
class EmailConfig:
    """An SMTP server that takes our mails. Times in seconds."""

    # Name of the server; without it there is no mail.
    host: str = ""
    # 587 with starttls (submission), 465 with tls.
    port: int = 587
    # starttls: encrypted before anything is said, or nothing is sent. none: for this machine only.
    tls: Literal["starttls", "tls", "none"] = "starttls"
    # Without a user name there is no log-in.
    username: str = ""
    password: str = field(default="", repr=False)
    # Address and name that mails come from; the server must accept them.
    sender: str = "pool@localhost"
    sender_name: str = "Mining pool"
    # Where programs of recipients unsubscribe by mail; without it the sender's address.
    unsubscribe_address: str = ""
    # Page on which users choose their mails; linked in each.
    settings_url: str = ""
    # Page that accepts invitations; {code} stands for the code. Without it the code alone is sent.
    invitation_url: str = ""
    # A PEM file of certificates to trust beside the system's.
    ca_file: str | None = None
    # For each step of the conversation with the server.
    timeout_s: float = 30.0
    poll_s: float = 2.0
    # Mails read at a time.
    batch: int = 100
    # One minute, three, nine ... and then each hour, until a day is over. While the server itself
    # is away nothing is given up.
    first_retry_s: float = 60.0
    retry_factor: float = 3.0
    longest_retry_s: float = 3_600.0
    give_up_s: float = 86_400.0
    # Changes of workers are collected for so long into one mail a miner.
    digest_s: float = 3_600.0
    # How long the list of what was sent and given up reaches back.
    keep_s: float = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class ThresholdConfig:
    """Threshold alerts. Times in seconds."""

    # How often the leader's position is looked at; it moves once a minute.
    poll_s: float = 5.0
    # Rules measured in one transaction: some 50 ms.
    batch: int = 500


@dataclass(frozen=True, slots=True)
class NotifyConfig:
    """The publisher. Times in seconds. A channel without configuration is off."""

    # Who holds the lease; must differ between processes.
    holder: str = "publisher"
    # As the figures leader's: a standby takes over within 20 s, and a slow disk loses nothing.
    lease_s: float = 15.0
    renew_s: float = 4.0
    standby_poll_s: float = 2.0
    # How often the outbox is looked at: with the cycle of 15 s a status is sent within 16.
    poll_s: float = 1.0
    # Events published at a time: one transaction, one round to the broker.
    batch: int = 1_000
    # After an error of the database or a channel: wait, then go on.
    retry_s: float = 2.0
    # Whose worker was on a silent source: the span by which the leader found it silent.
    rate_span_s: int = StatusPolicy().rate_span_s
    kafka: KafkaConfig | None = None
    webhooks: WebhookConfig = field(default_factory=WebhookConfig)
    thresholds: ThresholdConfig = field(default_factory=ThresholdConfig)
    telegram: TelegramConfig | None = None
    email: EmailConfig | None = None
