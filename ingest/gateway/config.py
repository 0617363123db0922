"""Settings of the HTTP gateway."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.decode.decoder import DecodeConfig


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """What the gateway takes and when it says no."""

    # Promised in feeds.md, for the body as sent and as inflated. It is also what intake takes as
    # one message, so that a body fits wherever it goes.
    max_body_bytes: int = 8 * 1024 * 1024
    # Bodies being read, decoded or waiting for the broker: eight of the largest.
    max_in_flight_bytes: int = 64 * 1024 * 1024
    # Large bodies decoded at a time. Each costs about ten times its size while it is decoded from
    # JSON, and two of them are no faster: eight at once took 540 MB, one after another 300 MB.
    decodes_at_once: int = 1
    # A client that sends more slowly than this holds room that others need.
    read_timeout_s: float = 30.0
    # Stratum servers give up on a request after about half a minute; answering before lets them
    # tell "try again" from a dead gateway.
    produce_timeout_s: float = 10.0
    # What Retry-After says: a broker that lost its leader has a new one within seconds.
    retry_after_s: int = 2
    # About 400 KiB of Arrow, below half of Kafka's default limit of 1 MiB for a message.
    shares_per_message: int = 10_000
    # Keys of which the body is remembered, to notice one used for two bodies: about 20 MiB.
    remembered_keys: int = 100_000
    # Keys longer than this are refused; a UUID has 36 characters.
    max_key_chars: int = 255
    # A line for each request. Off: the proxy in front writes one already.
    access_log: bool = False
    decode: DecodeConfig = field(default_factory=DecodeConfig)
