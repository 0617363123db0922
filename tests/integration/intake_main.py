"""An intake process for the fault tests: `python -m tests.integration.intake_main SETTINGS`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from dataclasses import replace
from typing import Any

from psycopg_pool import AsyncConnectionPool

from aggregator.minutes.config import IntakeConfig
from aggregator.minutes.intake import Intake, IntakeParts
from deploy.garbage import collect_seldom
from ingest.consumer import ConsumerConfig, Fetched, ShareConsumer
from ingest.dead_letter import Ceiling, DeadLetterConfig, DeadLetterSink
from ingest.decode import Decoder
from ingest.errors import FatalError
from schemas.clock import SystemClock
from tests.fixtures.fast_clock import FastClock
from tests.fixtures.memory import peak_bytes

FATAL = 3


class FastConsumer(ShareConsumer):
    """Tells the time of its fetches by a fast clock: the client knows the machine's alone."""

    def __init__(self, config: ConsumerConfig, clock: FastClock) -> None:
        super().__init__(config)
        self._clock = clock

    async def fetch(self, timeout_s: float, max_records: int) -> Fetched:
        fetched = await super().fetch(timeout_s, max_records)
        progress = {
            partition: replace(each, polled_ms=each.polled_ms and self._clock.at(each.polled_ms))
            for partition, each in fetched.progress.items()
        }
        return Fetched(fetched.records, progress)


async def main(settings: dict[str, Any]) -> None:
    """Run until SIGTERM; exit code 3 and the message of a FatalError."""
    collect_seldom()  # as the command line does
    consumer = ConsumerConfig(**settings["consumer"])
    clock = settings["clock"] and FastClock(**settings["clock"])
    shares = FastConsumer(consumer, clock) if clock else ShareConsumer(consumer)
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        settings["database_url"],
        min_size=1,
        max_size=3,
        timeout=3.0,
        open=False,
        kwargs={"connect_timeout": 3},
    )
    letters = DeadLetterConfig(consumer.bootstrap_servers, topic=f"{consumer.topic}.dead-letter")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with pool, DeadLetterSink(letters) as sink:
        parts = IntakeParts(pool, shares, sink, Decoder(), Ceiling())
        intake = Intake(IntakeConfig(**settings["intake"]), parts, clock=clock or SystemClock())
        print(f"idle_bytes {peak_bytes('self')}", flush=True)
        try:
            await intake.run(stop)
        finally:
            print(f"peak_bytes {peak_bytes('self')}", flush=True)


if __name__ == "__main__":
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(main(json.loads(sys.argv[1])))
    except FatalError as error:
        print(f"fatal: {error}", flush=True)
        sys.exit(FATAL)
