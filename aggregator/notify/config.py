"""What the publisher can be told; defaults suit a pool of any size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from schemas.topics import WORKER_STATUS
from schemas.worker import StatusPolicy


@dataclass(frozen=True, slots=True)
class KafkaConfig:
    """Events on a topic. Times in seconds."""

    bootstrap_servers: str = "localhost:9092"
    topic: str = WORKER_STATUS
    # Used only where the topic is made by us. Events of one worker stay on one partition.
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
    # One receiver gets its messages one after another, this many before others may have its place.
    burst: int = 20
    # 5 s, 15 s, 45 s ... but at most four hours apart: 14 attempts take a day, then it has failed.
    first_retry_s: float = 5.0
    retry_factor: float = 3.0
    longest_retry_s: float = 14_400.0
    attempts: int = 14
    # A receiver that failed rests before its next message, as long as one that is sent again, at
    # most this long: 1,500 messages behind the first one were 120 requests a second.
    longest_rest_s: float = 60.0
    # A message that was due for so long and had no turn, behind others that failed, has failed.
    give_up_s: float = 90_000.0
    # Delays vary by this much, so that receivers that fell together are not called together.
    jitter_ratio: float = 0.25
    # http: and addresses of this network. For trying out and for pools that run the receiver.
    allow_private: bool = False
    # A PEM file of certificates to trust beside the system's: of the pool's own authority.
    # (SSL_CERT_FILE is not looked at: nothing of the environment decides where messages go.)
    ca_file: str | None = None
    # How often due deliveries are looked for; new events wake the sender at once.
    poll_s: float = 1.0
    # How long the list of what was delivered, dropped and given up reaches back.
    keep_s: float = 30 * 86_400.0


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
    # Lines older than this say nothing that anybody still wants to know.
    give_up_s: float = 86_400.0
    retry_s: float = 30.0
    # Telegram allows about 30 messages a second over all chats.
    messages_per_s: float = 25.0


@dataclass(frozen=True, slots=True)
class NotifyConfig:
    """The publisher. Times in seconds. A channel without configuration is off."""

    # Who holds the lease; must differ between processes.
    holder: str = "publisher"
    # As the figures leader's: a standby takes over within 20 s, and a slow disk loses nothing.
    lease_s: float = 15.0
    renew_s: float = 4.0
    standby_poll_s: float = 2.0
    # How often the outbox is looked at: with the beat of 15 s a status is told within 16.
    poll_s: float = 1.0
    # Events taken at a time: one transaction, one round to the broker.
    batch: int = 1_000
    # After an error of the database or a channel: wait, then go on.
    retry_s: float = 2.0
    idle_in_transaction_s: float = 15.0
    lock_timeout_s: float = 20.0
    # Whose worker was on a silent source: the span by which the leader found it silent.
    rate_span_s: int = StatusPolicy().rate_span_s
    kafka: KafkaConfig | None = None
    webhooks: WebhookConfig = field(default_factory=WebhookConfig)
    telegram: TelegramConfig | None = None
