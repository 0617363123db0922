"""What strangers can do to the API at once, and what the others notice: `python -m
benchmarks.http.bench_abuse`.

A miner with 20,000 workers; one attack after another against one process with the limits that it
is delivered with, while somebody else asks for stats ten times a second. Prints the most memory
that the process has had by the end of each attack, and the others' median latency during it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import psycopg
import uvicorn

from benchmarks.http.bench_report import DAYS, MINER, fill, peak_mb
from benchmarks.load.api_load import BASE
from benchmarks.load.figures_data import START, database, server
from benchmarks.results import record
from deploy.process.bounded_http import http_config
from query_api.admin.keys import create_key
from query_api.app import create_app
from query_api.config import AccessConfig, ApiConfig, DatabaseConfig
from schemas.sealing import digest_of

KEY: Final = "the-benchmark's-internal-key-of-32-characters"
TOKEN: Final = "hfwl_" + "0" * 64
OTHERS_PAUSE_S: Final = 0.1
SILENT: Final = 200
STREAMS: Final = 1_000
READERS: Final = 150
CHARTS: Final = 4_000

Answers = Counter[str]


@dataclass(frozen=True, slots=True)
class Target:
    """The service under attack, with what a stranger may have got hold of."""

    port: int
    pid: int
    miner: str
    workers: tuple[str, ...]
    viewer_key: str

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **headers: str) -> httpx2.AsyncClient:
        limits = httpx2.Limits(max_connections=None)
        return httpx2.AsyncClient(
            base_url=self.address, headers=headers, limits=limits, timeout=60, trust_env=False
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What one attack came to."""

    answers: Answers
    peak_mb: float
    others_ms: float


def serve(url: str) -> None:
    """The API as `hashgauge serve` puts it together, on a free port that it prints."""
    config = ApiConfig(DatabaseConfig(url), access=AccessConfig(internal_api_key=KEY))
    listener = socket.create_server(("127.0.0.1", 0), backlog=2_048)
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(http_config(create_app(config), host="127.0.0.1", port=0)).run([listener])


async def endless_heads(target: Target, seconds: float) -> Answers:
    """1: headers without end from twenty connections, and 200 that say nothing."""
    answers: Answers = Counter()

    async def send() -> None:
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: ")
            with contextlib.suppress(ConnectionError):
                while not reader.at_eof():
                    writer.write(b"a" * 65_536)
                    await writer.drain()
                    await asyncio.sleep(0.01)
            answers["ended"] += 1
            writer.close()

    silent = [
        await asyncio.open_connection("127.0.0.1", target.port, limit=1_024) for _ in range(SILENT)
    ]
    await _for(seconds, [send() for _ in range(20)])
    answers["silent ones ended"] = sum(reader.at_eof() for reader, _ in silent)
    for _, writer in silent:
        writer.close()
    return answers


async def all_streams(target: Target, seconds: float) -> Answers:
    """2: one watcher link opens 1,000 compressed event streams."""
    answers: Answers = Counter()
    head = (
        f"GET {BASE}/miners/{target.miner}/workers/events HTTP/1.1",
        *("Host: x", f"X-Watcher-Token: {TOKEN}", "Accept-Encoding: zstd"),
    )

    async def listen() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        writer.write("\r\n".join((*head, "", "")).encode())
        status = await reader.readline()
        answers[status.split()[1].decode()] += 1
        await asyncio.sleep(seconds)
        writer.close()

    await _for(seconds, [listen() for _ in range(STREAMS)])
    return answers


async def many_reports(target: Target, seconds: float) -> Answers:
    """3: sixteen reports at once by one viewer, and 150 readers that read nothing."""
    answers: Answers = Counter()
    first, last = START.date().fromordinal(START.toordinal() - DAYS), START.date()
    path = f"{BASE}/miners/{target.miner}/workers/daily-report?from={first}&to={last}"

    async def read(client: httpx2.AsyncClient) -> None:
        while True:
            async with client.stream("GET", path, headers={"Accept": "text/csv"}) as stream:
                answers[str(stream.status_code)] += 1
                async for _ in stream.aiter_raw():
                    pass
            await asyncio.sleep(0.5)

    async def do_not_read() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port, limit=1_024)
        head = (
            f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {target.viewer_key}\r\n\r\n"
        )
        writer.write(head.encode())
        status = await reader.readline()
        answers[f"{status.split()[1].decode()} unread"] += 1
        await asyncio.sleep(seconds)
        writer.close()

    async with target.client(Authorization=f"Bearer {target.viewer_key}") as client:
        jobs = [read(client) for _ in range(16)] + [do_not_read() for _ in range(READERS)]
        await _for(seconds, jobs)
    return answers


async def full_cache(target: Target, seconds: float) -> Answers:
    """5: charts of ever other workers, a hundred in each, until memory would be full."""
    answers: Answers = Counter()

    async def ask(client: httpx2.AsyncClient, turn: int) -> None:
        for start in range(turn, CHARTS, 4):
            some = [target.workers[(start * 7 + n) % len(target.workers)] for n in range(100)]
            query = "&".join(f"id={uid}" for uid in some)
            answer = await client.get(f"{BASE}/workers/charts?period=P1W&{query}")
            answers[str(answer.status_code)] += 1

    async with target.client(Authorization=f"Bearer {target.viewer_key}") as client:
        await _for(seconds, [ask(client, turn) for turn in range(4)])
    return answers


ATTACKS: Final = (endless_heads, all_streams, many_reports, full_cache)


async def _for(seconds: float, jobs: list[Any]) -> None:
    """Run them all for so long; a connection that the service ends is no failure of ours."""
    tasks = [asyncio.create_task(job) for job in jobs]
    await asyncio.wait(tasks, timeout=seconds)
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception) and not isinstance(
            result, (httpx2.HTTPError, OSError, IndexError)
        ):
            raise result


def be_others(address: str, miner: str) -> None:
    """Somebody with a key of the pool's own, who is not to notice; a process of its own, which
    prints the milliseconds of each request."""
    headers = {"X-Headframe-API-Key": KEY}
    with httpx2.Client(base_url=address, headers=headers, timeout=60, trust_env=False) as client:
        while True:
            began_s = time.perf_counter()
            client.get(f"{BASE}/miners/stats?id={miner}").raise_for_status()
            print((time.perf_counter() - began_s) * 1_000, flush=True)
            time.sleep(OTHERS_PAUSE_S)


@contextlib.asynccontextmanager
async def others(target: Target) -> AsyncIterator[list[float]]:
    """The latencies of a process that asks meanwhile; filled when it is over."""
    latencies: list[float] = []
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "benchmarks.http.bench_abuse",
            "--others",
            target.address,
            target.miner,
        ),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield latencies
    finally:
        process.terminate()
    latencies += [float(line) for line in (await process.stdout.read()).split()]
    await process.wait()


async def under(
    target: Target, attack: Callable[[Target, float], Awaitable[Answers]], seconds: float
) -> Found:
    async with others(target) as latencies:
        answers = await attack(target, seconds)
    return Found(answers, peak_mb(target.pid), statistics.median(latencies or [math.inf]))


def _line(attack: str, found: Found) -> str:
    text = ", ".join(f"{count} × {what}" for what, count in sorted(found.answers.items()))
    return (
        f"{attack}\n    {text or '-'}\n"
        f"    at most {found.peak_mb:.0f} MB, others' median {found.others_ms:.1f} ms"
    )


async def nothing(_target: Target, seconds: float) -> Answers:
    """nobody attacks"""
    await asyncio.sleep(seconds)
    return Counter()


def prepared(url: str, key: str) -> tuple[str, tuple[str, ...]]:
    """The miner and its workers; the viewer's role and the watcher's link."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "insert into roles (entity_id, user_uid, role) select %s, uid, 'viewer' from users",
            (MINER,),
        )
        connection.execute(
            "insert into watchers (miner_id, digest, token, title) values (%s, %s, %s, 'leaked')",
            (MINER, digest_of(TOKEN), TOKEN),
        )
        uids = connection.execute("select uid::text from workers where miner_id = %s", (MINER,))
        workers = tuple(row[0] for row in uids)
        row = connection.execute("select uid::text from miners where id = %s", (MINER,)).fetchone()
    assert row is not None
    return row[0], workers


@contextlib.contextmanager
def attacked(url: str, key: str) -> Iterator[Target]:
    miner, workers = prepared(url, key)
    command = [sys.executable, "-m", "benchmarks.http.bench_abuse", "--serve", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=60).raise_for_status()
            yield Target(port, process.pid, miner, workers, key)
        finally:
            process.terminate()


async def measured(workers: int, seconds: float) -> dict[str, Found]:
    with server() as started:
        async with database(started, workers=workers) as connection:
            await fill(connection)
            url = started.url(connection.info.dbname)
            _, key = await create_key(url, title="viewer", email="viewer@example.com")
            with attacked(url, key) as target:
                found = {}
                for attack in (nothing, *ATTACKS):
                    name = (attack.__doc__ or "").strip()
                    found[name] = await under(target, attack, seconds)
                    print(_line(name, found[name]), flush=True)
                return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each attack")
    parser.add_argument("--serve", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--others", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    if options.others:
        be_others(*options.others)
        return
    found = asyncio.run(measured(options.workers, options.seconds))
    worst_ms = max(each.others_ms for each in found.values())
    peak = max(each.peak_mb for each in found.values())
    note = f"one process under each attack in turn, {options.workers:,} workers, two shared cores"
    record("abuse_peak_mb", peak, "MB", "400 MB", note)
    record("abuse_others_median_ms", worst_ms, "ms", "50 ms", note)


if __name__ == "__main__":
    main()
