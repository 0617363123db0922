"""An intake process for the fault tests: `python -m tests.integration.intake_main SETTINGS`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from typing import Any

from psycopg_pool import AsyncConnectionPool

from aggregator.minutes.config import IntakeConfig
from aggregator.minutes.intake import Intake, IntakeParts
from ingest.consumer import ConsumerConfig, ShareConsumer
from ingest.dead_letter import Ceiling, DeadLetterConfig, DeadLetterSink
from ingest.decode import Decoder
from ingest.errors import FatalError

FATAL = 3


async def main(settings: dict[str, Any]) -> None:
    """Run until SIGTERM; exit code 3 and the message of a FatalError."""
    consumer = ConsumerConfig(**settings["consumer"])
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
        parts = IntakeParts(pool, ShareConsumer(consumer), sink, Decoder(), Ceiling())
        await Intake(IntakeConfig(**settings["intake"]), parts).run(stop)


if __name__ == "__main__":
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(main(json.loads(sys.argv[1])))
    except FatalError as error:
        print(f"fatal: {error}", flush=True)
        sys.exit(FATAL)
