"""`feed miningcore`: Miningcore's ZeroMQ share relay → the topic.

The relay is a PUB socket: what it sends while nobody listens is gone. Every loss of the connection
is counted as a gap and logged; what the publisher drops because a reader is slow cannot be seen.
"""

from __future__ import annotations

import asyncio
import zlib
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

import structlog
import zmq
import zmq.asyncio
from zmq.utils.monitor import recv_monitor_message

from ingest.errors import FatalError
from ingest.feeds.miningcore_message import BadMessageError, parse_message
from ingest.feeds.summary import FeedSummary
from ingest.kafka.producer import ShareMessage, ShareSink, deliver
from schemas.batch import batch_of
from schemas.runtime.clock import Clock, SystemClock
from schemas.share import Share, ShareResult

log = structlog.get_logger(__name__)

NO_REPLAY = "the relay cannot replay: shares sent while not connected are missing from every figure"


@dataclass(frozen=True, slots=True)
class MiningcoreConfig:
    """What to listen to and how."""

    # `tcp://host:port` of the pool's `shareRelay.publishUrl`.
    address: str
    # Only this pool id; empty: all that the relay carries.
    pool: str = ""
    # One message per second and pool: figures are of minutes.
    flush_s: float = 1.0
    # Shares kept while the broker is away, about 300 bytes each; more are dropped and counted.
    buffer_max: int = 500_000
    shares_per_message: int = 5_000
    # How long a stop may wait for the broker to take what was received.
    stop_flush_s: float = 10.0
    # Miningcore's messages are 200 bytes; a peer that sends more than this is cut off.
    message_max_bytes: int = 64 * 1024


class MiningcoreFeed:
    """One subscription. `summary` may be read while it runs."""

    def __init__(
        self, config: MiningcoreConfig, sink: ShareSink, *, clock: Clock | None = None
    ) -> None:
        self._config = config
        self._sink = sink
        self._clock = clock or SystemClock()
        self._producer_id = f"miningcore-{uuid4()}"
        self._sequence = 0
        self._buffer: list[Share] = []
        self._key = f"miningcore/{config.pool}"
        self._partition = 0
        self._under_way: ShareMessage | None = None
        self._connected = False
        self.summary = FeedSummary()

    async def run(self, stop: asyncio.Event) -> FeedSummary:
        """Until `stop`; what was received by then is sent.

        FatalError for a bad address; RetryableError if the broker is away from the beginning.
        """
        log.warning("no_replay", address=self._config.address, meaning=NO_REPLAY)
        # Before the first share is received: it could not be kept.
        self._partition = zlib.crc32(self._key.encode()) % await self._sink.partitions()
        with zmq.asyncio.Context() as context, context.socket(zmq.SUB) as socket:
            socket.linger = 0
            socket.rcvhwm = self._config.buffer_max
            socket.maxmsgsize = self._config.message_max_bytes
            socket.subscribe(self._config.pool.encode())
            with socket.get_monitor_socket() as monitor:
                self._connect(socket)
                try:
                    await self._serve(socket, monitor, stop=stop)
                finally:
                    socket.disable_monitor()
        return self.summary

    def _connect(self, socket: zmq.asyncio.Socket) -> None:
        try:
            socket.connect(self._config.address)
        except zmq.ZMQError as error:
            raise FatalError(f"no ZeroMQ address: {self._config.address} ({error})") from error

    async def _serve(
        self, socket: zmq.asyncio.Socket, monitor: zmq.asyncio.Socket, *, stop: asyncio.Event
    ) -> None:
        stopped = asyncio.create_task(stop.wait())
        tasks = [
            asyncio.create_task(self._receive(socket)),
            asyncio.create_task(self._watch(monitor)),
            asyncio.create_task(self._send_steadily()),
            stopped,
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._config.stop_flush_s):
                await self._send_buffered()
        if self._buffer:
            log.error("unsent_at_stop", shares=len(self._buffer))
            self.summary.skipped["unsent_at_stop"] += len(self._buffer)

    async def _receive(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            self.take(await socket.recv_multipart())
            # While messages wait already, receiving alone never lets another task run.
            await asyncio.sleep(0)

    def take(self, frames: list[bytes]) -> None:
        """One message. The time is ours, as Miningcore's own relay receivers do it."""
        self.summary.read += 1
        try:
            share = parse_message(frames)
        except BadMessageError as error:
            self.summary.skipped[error.reason] += 1
            return
        if self._config.pool not in ("", share.pool):
            self.summary.skipped["other_pool"] += 1  # subscriptions match prefixes
            return
        if len(self._buffer) >= self._config.buffer_max:
            self.summary.skipped["buffer_full"] += 1
            return
        self._buffer.append(
            Share(
                self._clock.now_ms(),
                share.account_name,
                share.worker_name,
                share.difficulty,
                ShareResult.ACCEPTED,
                share.source or share.pool,
                agent=share.agent,
            )
        )

    async def _watch(self, monitor: zmq.asyncio.Socket) -> None:
        """Count the gaps: a connection that was there and is lost."""
        while True:
            event = (await recv_monitor_message(monitor))["event"]
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._connected = True
                log.info("connected", address=self._config.address, gaps=self.summary.gaps)
            elif event == zmq.EVENT_DISCONNECTED and self._connected:
                self._connected = False
                self.summary.gaps += 1
                log.warning("disconnected", gaps=self.summary.gaps, meaning=NO_REPLAY)

    async def _send_steadily(self) -> None:
        while True:
            await asyncio.sleep(self._config.flush_s)
            await self._send_buffered()

    async def _send_buffered(self) -> None:
        """Send what is there. Cancelled before the answer, the very same message is sent again."""
        while self._buffer:
            if self._under_way is None:
                self._under_way = self._next_message()
            await deliver(self._sink, self._under_way, stop=asyncio.Event())
            count, self._under_way = len(self._under_way.batch), None
            del self._buffer[:count]
            self.summary.sent += count
            self.summary.messages += 1

    def _next_message(self) -> ShareMessage:
        shares = self._buffer[: self._config.shares_per_message]
        self._sequence += 1
        return ShareMessage(
            batch_of(shares),
            timestamp_ms=shares[-1].timestamp_ms,
            key=self._key,
            producer_id=self._producer_id,
            sequence=self._sequence,
            partition=self._partition,
        )
