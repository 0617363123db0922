"""A ckpool log to read, a feed that follows it, and a sink that drops repeats as intake does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from ingest.errors import RetryableError
from ingest.feeds.ckpool import CkpoolConfig, CkpoolFeed
from ingest.kafka.producer import ShareMessage
from schemas.batch import shares_of
from schemas.share import Share

DATA = Path(__file__).parents[2] / "data" / "ckpool"


class DedupingSink:
    """Takes messages as intake does: what is not above its producer's highest sequence is dropped.

    `outages`: indices of calls that fail, after the message was taken (True) or before (False).
    """

    def __init__(self, outages: dict[int, bool] | None = None) -> None:
        self.messages: list[ShareMessage] = []
        self.repeats = 0
        self.calls = 0
        self.grown = asyncio.Event()
        self._outages = outages or {}
        self._highest: dict[tuple[str, int | None], int] = {}

    async def partitions(self) -> int:
        return 4

    async def send(self, message: ShareMessage) -> None:
        call, self.calls = self.calls, self.calls + 1
        await asyncio.sleep(0)
        if self._outages.get(call) is False:
            raise RetryableError("lost on the way there")
        identity = (message.producer_id, message.partition)
        if message.sequence > self._highest.get(identity, 0):
            self._highest[identity] = message.sequence
            self.messages.append(message)
        else:
            self.repeats += 1
        self.grown.set()
        if self._outages.get(call):
            raise RetryableError("lost on the way back")

    def shares(self) -> list[Share]:
        return [share for message in self.messages for share in shares_of(message.batch)]

    async def reach(self, count: int) -> None:
        """Wait until `count` shares have arrived."""
        async with asyncio.timeout(20):
            while len(self.shares()) < count:
                self.grown.clear()
                await self.grown.wait()


def config(tmp_path: Path, directory: Path = DATA / "logs", **changes: Any) -> CkpoolConfig:
    settings: dict[str, Any] = {"poll_s": 0.01, "full_scan_s": 0.0, "chunks_per_plan": 8}
    return CkpoolConfig(directory, tmp_path / "position", **(settings | changes))


@asynccontextmanager
async def following(settings: CkpoolConfig, sink: DedupingSink) -> AsyncIterator[CkpoolFeed]:
    stop, feed = asyncio.Event(), CkpoolFeed(settings, sink)
    task = asyncio.create_task(feed.run(stop))
    try:
        yield feed
    finally:
        stop.set()
        await task


def line(n: int, *, at_s: int = 1_795_456_800, worker: str = "acct.rig", **fields: Any) -> bytes:
    share = {"workinfoid": 7711427872308592641, "nonce": f"{n:08x}", "diff": 2.0, "result": True}
    share |= {"errn": 0, "createdate": f"{at_s + n},{n}", "workername": worker, "username": "acct"}
    return orjson.dumps(share | fields) + b"\n"
