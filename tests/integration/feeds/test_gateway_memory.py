"""A dozen of the largest bodies at once: the gateway stays under the memory that it is given."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import httpx2

from deploy.local.process import free_port

KEY = "a-gateway-key-of-32-characters-or-more"
# compose.yaml and kubernetes/gateway.yaml
LIMIT_MB = 512
SHARE = (
    '{"timestamp":%d,"account_name":"acme","worker_name":"w%d","difficulty":1,"result":"accepted"}'
)


def body_of(megabytes: int) -> bytes:
    now_ms = round(time.time() * 1_000)
    one = len(SHARE % (now_ms, 10_000)) + 1
    count = megabytes * 1_000_000 // one
    shares = (SHARE % (now_ms, 10_000 + number % 1_000) for number in range(count))
    return f"[{','.join(shares)}]".encode()


def peak_mb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) // 1_024


async def ready(client: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(90):
        while True:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return
            except httpx2.HTTPError:
                pass
            await asyncio.sleep(0.2)


async def test_a_dozen_large_bodies_at_once(
    kafka_bootstrap: str, topic: str, tmp_path: Path
) -> None:
    port = free_port()
    environment = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "HASHGAUGE_SHARES_TOPIC": topic,
        "HASHGAUGE_INTERNAL_API_KEY": KEY,
        "HASHGAUGE_DATA_DIR": str(tmp_path),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli", "gateway", "--port", str(port)),
        env=environment,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=120, headers={"X-Headframe-API-Key": KEY}
        ) as client:
            await ready(client)
            body = body_of(7)

            async def post() -> int:
                answer = await client.post(
                    "/shares", content=body, headers={"Content-Type": "application/json"}
                )
                return answer.status_code

            found = Counter(await asyncio.gather(*(post() for _ in range(12))))
        peak = peak_mb(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
    # Those that do not fit are asked to come again.
    assert set(found) <= {202, 429, 503}
    assert found[202] >= 1
    assert peak < LIMIT_MB * 0.85, peak
