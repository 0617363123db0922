"""A receiver of webhooks, and settings that do not keep a test waiting."""

from __future__ import annotations

import orjson

from aggregator.notify.config import NotifyConfig, WebhookConfig
from aggregator.notify.webhooks.signing import new_secret
from tests.fixtures.http_server import HttpAnswer, HttpRequest
from tests.integration.notify.seeded_events import SeededEvents

SECRET = new_secret()
FAST = WebhookConfig(
    allow_private=True, first_retry_s=0.05, retry_factor=1.5, attempts=4, poll_s=0.05, timeout_s=2
)
CONFIG = NotifyConfig(poll_s=0.05, retry_s=0.1, webhooks=FAST)


class Receiver:
    """Answers with the statuses it is given, then with 200; keeps what it got."""

    def __init__(self, *statuses: int) -> None:
        self.requests: list[HttpRequest] = []
        self.statuses = list(statuses)

    async def __call__(self, request: HttpRequest) -> HttpAnswer:
        self.requests.append(request)
        return HttpAnswer(self.statuses.pop(0) if self.statuses else 200)

    @property
    def ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.requests]

    @property
    def data(self) -> list[dict[str, object]]:
        return [orjson.loads(request.body)["data"] for request in self.requests]


async def all_taken(seeded: SeededEvents) -> bool:
    """By the channel; what it stored may still wait to be sent."""
    rows = await seeded.run(
        "select 1 from publisher_cursors where sequence = (select max(id) from events)"
    )
    return bool(rows)


async def with_status(seeded: SeededEvents, status: str) -> list[dict[str, object]]:
    return [row for row in await seeded.deliveries() if row["status"] == status]
