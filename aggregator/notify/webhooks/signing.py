"""Standard Webhooks: the headers of a message, its secrets, and when to try again."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from standardwebhooks import Webhook

from aggregator.notify.config import WebhookConfig

# Between the 24 and 64 bytes that Standard Webhooks asks for.
_SECRET_BYTES: Final = 32


def new_secret() -> str:
    """A random signing secret in the notation of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def headers_of(
    event_id: UUID, body: bytes, *, now_s: int, signing_secrets: Sequence[str]
) -> dict[str, str]:
    """Headers of one attempt. While secrets rotate both sign, so that no receiver refuses it.

    The id is the event's, the same at every attempt: receivers drop what they have had.
    """
    # `sign` takes a naive or UTC time alike.
    now = datetime.fromtimestamp(now_s, UTC)
    text = body.decode()
    signatures = [
        Webhook(secret).sign(msg_id=str(event_id), timestamp=now, data=text)
        for secret in signing_secrets
    ]
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": str(now_s),
        "webhook-signature": " ".join(signatures),
        "content-type": "application/json",
        "user-agent": "hashgauge-webhooks/1",
    }


def retry_delay_s(attempts: int, config: WebhookConfig, *, draw: float) -> float | None:
    """Seconds until the next attempt after `attempts` failed ones; None when it was the last.

    `draw` is uniform in [0, 1): the jitter.
    """
    if attempts >= config.attempts:
        return None
    plain_s = config.first_retry_s * config.retry_factor ** (attempts - 1)
    spread = 1 + config.jitter_ratio * (2 * draw - 1)
    return min(plain_s, config.longest_retry_s) * spread
