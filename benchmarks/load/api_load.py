"""Load for the API: a server process, and wrk against it.

`python -m benchmarks.load.api_load KIND URL` serves on a free port and prints it. KIND `api` is the
real service; `select1` a bare FastAPI application with one route that answers constant bytes after
`SELECT 1`, on the same pool and the same server settings.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import uvicorn
from fastapi import FastAPI, Response

from deploy.process.garbage import leave_out_what_stays
from query_api.app import create_app
from query_api.config import AccessConfig, ApiConfig, DatabaseConfig, RateLimitConfig
from query_api.database import Database

BASE: Final = "/api/backend/v0.1"
KEY: Final = "benchmark"
BODY: Final = b'{"constant": "bytes"}'


def api_config(url: str) -> ApiConfig:
    """Access control on; only the rate limits, which are meant to stop a load test, are off."""
    return ApiConfig(
        DatabaseConfig(url),
        access=AccessConfig(internal_api_key=KEY),
        limits=RateLimitConfig(0, 0, 0, 0, 0),
    )


def select1_app(config: ApiConfig) -> FastAPI:
    database = Database(config.database)

    @asynccontextmanager
    async def lifespan(app: FastAPI):  # type: ignore[no-untyped-def]
        await database.open()
        yield
        await database.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def select1() -> Response:
        await database.fetch_value("select 1")
        return Response(BODY, media_type="application/json")

    return app


def serve(kind: str, url: str) -> None:
    config = api_config(url)
    app = create_app(config) if kind == "api" else select1_app(config)
    if kind == "api":
        app.openapi()
        leave_out_what_stays()  # as `hashgauge serve` does; the bare route is as anybody writes it
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    options = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
    uvicorn.Server(options).run(sockets=[listener])


@contextmanager
def server_process(kind: str, url: str) -> Iterator[tuple[str, int]]:
    """The address of a server process, and its process id."""
    command = [sys.executable, "-m", "benchmarks.load.api_load", kind, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}", process.pid
        finally:
            process.terminate()


@contextmanager
def served(kind: str, url: str) -> Iterator[str]:
    """The address of a server process."""
    with server_process(kind, url) as (address, _):
        yield address


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk measured."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float


_SCRIPT: Final = """
local paths = {}
for line in io.lines("%(paths)s") do paths[#paths + 1] = line end
local at = 0
request = function()
  at = at %% #paths + 1
  local path, tag = string.match(paths[at], "^(%%S+)%%s?(.*)$")
  local headers = {["X-Headframe-API-Key"] = "%(key)s"}
  if tag ~= "" then headers["If-None-Match"] = tag end
  return wrk.format("GET", path, headers)
end
"""
_UNITS: Final = {"us": 0.001, "ms": 1.0, "s": 1_000.0}


def wrk(address: str, paths: Sequence[str], *, seconds: int = 5, connections: int = 50) -> Load:
    """Requests over `paths` in turn (a path, or a path and an ETag); all must succeed."""
    program = shutil.which("wrk")
    assert program, "wrk is needed: apt-get install wrk"
    with TemporaryDirectory() as folder:
        script, list_file = Path(folder, "script.lua"), Path(folder, "paths")
        list_file.write_text("\n".join(paths) + "\n")
        script.write_text(_SCRIPT % {"paths": list_file, "key": KEY})
        command = [
            program,
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--latency",
            "--timeout",
            "10s",
        ]
        text = subprocess.run(
            [*command, "-s", script, address], capture_output=True, text=True, check=True
        ).stdout
    assert "Non-2xx" not in text, text
    assert "Socket errors" not in text, text
    return Load(_number(r"Requests/sec:\s+([\d.]+)", text), _latency(50, text), _latency(99, text))


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found, text
    return float(found[1])


def _latency(percentile: int, text: str) -> float:
    found = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)", text)
    assert found, text
    return float(found[1]) * _UNITS[found[2]]


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
