"""The HTTP gateway: `POST /shares` for stratum servers without a Kafka client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Final

import structlog
from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import ClientDisconnect

from ingest.decode.decoder import Decoded, Decoder
from ingest.errors import RetryableError
from ingest.gateway.access_log import AccessLog
from ingest.gateway.body import BodyError, BodyTooLargeError, inflate, read_body
from ingest.gateway.config import GatewayConfig
from ingest.gateway.idempotency import Authenticate, RememberedKeys, partition_of, producer_id_of
from ingest.gateway.responses import GatewayError, accepted, install_errors, json_answer
from ingest.kafka.producer import ShareMessage, ShareSink
from ingest.kafka.record import PlainRecord
from schemas import topics
from schemas.runtime.clock import Clock, SystemClock
from schemas.runtime.metrics import counter, gauge
from schemas.topics import InvalidReason

log = structlog.get_logger(__name__)

API_KEY_HEADER: Final = "X-Headframe-API-Key"
IDEMPOTENCY_KEY: Final = "Idempotency-Key"

# Smaller bodies decode in less time than a thread takes to be woken.
_DECODE_INLINE_BYTES: Final = 32 * 1024
_READY_TIMEOUT_S: Final = 2.0


class Gateway:
    """Takes bodies of shares and puts them on the topic. One event loop owns it."""

    def __init__(self, config: GatewayConfig, sink: ShareSink, clock: Clock) -> None:
        self._config = config
        self._sink = sink
        self._clock = clock
        self._decoder = Decoder(config.decode)
        self._keys = RememberedKeys(config.remembered_keys)
        self._turn = count()
        # Threads of its own, so that their memory is given back and used again.
        self._decoding = ThreadPoolExecutor(config.decodes_at_once, "gateway-decode")
        self._in_flight_bytes = 0

    async def take(self, request: Request) -> Response:
        """Answer once the broker has the shares. Raises GatewayError."""
        key = self._key(request)
        with self._room(self._claimed_bytes(request)):
            body = await self._body(request)
        # What was claimed is free again and nobody was let in since: this always fits.
        with self._room(len(body)):
            now_ms = self._clock.now_ms()
            decoded = await self._decode(body, request.headers.get("content-type", ""), now_ms)
            if key is not None and self._keys.clashes(key, body):
                raise GatewayError(409, "conflict", f"{IDEMPOTENCY_KEY} was used for another body")
            await self._produce_in_time(decoded, key, now_ms)
        rejected = [pair for invalid in decoded.invalid for pair in invalid.share_reasons()]
        counter("gateway_shares_total").labels(outcome="accepted").inc(len(decoded.batch))
        counter("gateway_shares_total").labels(outcome="rejected").inc(len(rejected))
        return accepted(len(decoded.batch), rejected)

    async def ready(self) -> bool:
        """Whether the broker answers."""
        try:
            async with asyncio.timeout(_READY_TIMEOUT_S):
                return await self._sink.partitions() > 0
        except (RetryableError, TimeoutError):
            return False

    def _key(self, request: Request) -> str | None:
        key = request.headers.get(IDEMPOTENCY_KEY)
        if key is not None and not 0 < len(key) <= self._config.max_key_chars:
            limit = self._config.max_key_chars
            raise GatewayError(
                400, "invalid_input", f"{IDEMPOTENCY_KEY} has 1 to {limit} characters"
            )
        return key

    def _claimed_bytes(self, request: Request) -> int:
        """What the body may cost: its stated length, or the limit where that says too little."""
        length = request.headers.get("content-length", "")
        limit = self._config.max_body_bytes
        if not length.isdecimal() or "content-encoding" in request.headers:
            return limit
        if int(length) > limit:
            raise self._too_large()
        return int(length)

    @contextmanager
    def _room(self, size_bytes: int) -> Iterator[None]:
        """Hold `size_bytes` of what may be in flight; refuse what does not fit."""
        if self._in_flight_bytes + size_bytes > self._config.max_in_flight_bytes:
            raise GatewayError(
                429,
                "too_many_requests",
                "too many shares are waiting for the broker",
                retry_after_s=self._config.retry_after_s,
            )
        self._in_flight_bytes += size_bytes
        gauge("gateway_in_flight_bytes").set(self._in_flight_bytes)
        try:
            yield
        finally:
            self._in_flight_bytes -= size_bytes
            gauge("gateway_in_flight_bytes").set(self._in_flight_bytes)

    async def _body(self, request: Request) -> bytes:
        config = self._config
        encoding = request.headers.get("content-encoding", "")
        try:
            body = await read_body(request.stream(), config.max_body_bytes, config.read_timeout_s)
            if encoding:
                step = partial(inflate, body, encoding, config.max_body_bytes)
                body = await asyncio.get_running_loop().run_in_executor(self._decoding, step)
        except BodyTooLargeError as error:
            raise self._too_large() from error
        except BodyError as error:
            raise GatewayError(400, "invalid_input", str(error)) from error
        except ClientDisconnect as error:
            raise GatewayError(400, "invalid_input", "the client went away") from error
        return body

    def _too_large(self) -> GatewayError:
        limit = self._config.max_body_bytes
        return GatewayError(413, "too_large", f"the body, also inflated, has at most {limit} bytes")

    async def _decode(self, body: bytes, content_type: str, now_ms: int) -> Decoded:
        """Raises GatewayError if the whole body is bad."""
        headers = [(topics.CONTENT_TYPE, content_type.encode())] if content_type else []
        record = PlainRecord(body, headers, now_ms)
        if len(body) > _DECODE_INLINE_BYTES:
            decode = partial(self._decoder.decode, [record], now_ms=now_ms)
            decoded = await asyncio.get_running_loop().run_in_executor(self._decoding, decode)
        else:
            decoded = self._decoder.decode([record], now_ms=now_ms)
        for invalid in decoded.invalid:
            if invalid.reason is InvalidReason.OVERSIZED:
                raise GatewayError(413, "too_large", invalid.detail)
            if not invalid.shares:
                raise GatewayError(400, "invalid_input", f"{invalid.reason}: {invalid.detail}")
        return decoded

    async def _produce_in_time(self, decoded: Decoded, key: str | None, now_ms: int) -> None:
        config = self._config
        try:
            async with asyncio.timeout(config.produce_timeout_s):
                await self._produce(decoded, key, now_ms)
        except (RetryableError, TimeoutError) as error:
            log.warning("gateway_not_acknowledged", error=repr(error), shares=len(decoded.batch))
            raise GatewayError(
                503,
                "unavailable",
                "the broker has not acknowledged in time; retry with the same Idempotency-Key",
                retry_after_s=config.retry_after_s,
            ) from error

    async def _produce(self, decoded: Decoded, key: str | None, now_ms: int) -> None:
        """One message after the other: a retry must find no hole after the last one accepted.

        Messages are cut at fixed positions of the body, so that a retry makes the same ones even
        where a share has become too late since.
        """
        if not len(decoded.batch):
            return
        partitions = await self._sink.partitions()
        partition = partition_of(key, partitions) if key else next(self._turn) % partitions
        part = decoded.position // self._config.shares_per_message
        for number in sorted(set(part.tolist())):
            message = ShareMessage(
                decoded.batch.filter(part == number),
                now_ms,
                key="gateway",
                producer_id=producer_id_of(key) if key else None,
                sequence=number + 1,
                partition=partition,
            )
            await self._sink.send(message)


def create_gateway(
    config: GatewayConfig,
    producer: ShareSink,
    authenticate: Authenticate,
    clock: Clock | None = None,
) -> FastAPI:
    """The app. `producer` is started and stopped by whoever wires it."""
    gateway = Gateway(config, producer, clock or SystemClock())
    # FastAPI's pages of reference load scripts from another host; `/openapi.json` stays.
    app = FastAPI(title="Hashgauge gateway", docs_url=None, redoc_url=None)
    install_errors(app)
    if config.access_log:
        app.add_middleware(AccessLog)

    @app.post("/shares", status_code=202)
    async def shares(request: Request) -> Response:
        """Take shares: JSON or an Arrow stream, plain, gzip or zstd.

        202 once the broker has acknowledged; 400 unreadable, 409 key used for another body, 413
        too large, 429 and 503 with Retry-After. Without an Idempotency-Key a retry after a 503 or a
        lost answer may count twice.
        """
        if not authenticate(request.headers.get(API_KEY_HEADER)):
            raise GatewayError(401, "unauthorized", f"{API_KEY_HEADER} is missing or wrong")
        return await gateway.take(request)

    @app.head("/healthz", include_in_schema=False)
    @app.get("/healthz")
    async def healthz() -> Response:
        return json_answer({"status": "ok"})

    @app.head("/readyz", include_in_schema=False)
    @app.get("/readyz")
    async def readyz() -> Response:
        if await gateway.ready():
            return json_answer({"status": "ready"})
        raise GatewayError(
            503, "unavailable", "no answer from the broker", retry_after_s=config.retry_after_s
        )

    @app.head("/metrics", include_in_schema=False)
    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app
