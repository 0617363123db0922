"""An intake process: `python -m tests.integration.intake.process_main SETTINGS`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from dataclasses import replace
from typing import Any

from psycopg_pool import AsyncConnectionPool

from aggregator.intake.config import IntakeConfig
from aggregator.intake.loop import Intake, IntakeParts
from deploy.process.garbage import collect_seldom
from ingest.dead_letters.limit import DeadLetterLimit
from ingest.dead_letters.sink import DeadLetterConfig, KafkaDeadLetterSink
from ingest.decode.decoder import Decoder
from ingest.errors import FatalError
from ingest.kafka.consumer import ConsumerConfig, Fetched, ShareConsumer
from schemas.runtime.clock import SystemClock
from tests.integration.faults.fast_clock import FastClock
from tests.integration.faults.memory import peak_bytes

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
    async with pool, KafkaDeadLetterSink(letters) as sink:
        parts = IntakeParts(pool, shares, sink, Decoder(), DeadLetterLimit())
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
