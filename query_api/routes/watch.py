"""For machines that watch the service: outside the base path, no credential."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from query_api.context import Ctx
from query_api.respond import json_response
from query_api.store import health

router = APIRouter(tags=["watch"])


@router.get("/healthz")
async def healthz() -> Response:
    """The process lives."""
    return json_response({"status": "ok"})


@router.get("/readyz")
async def readyz(context: Ctx) -> Response:
    """The database is reachable and its schema current; 503 otherwise."""
    await health.check(context.database)
    return json_response({"status": "ready"})


@router.get("/metrics")
async def metrics() -> Response:
    """Metrics of this process, for Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
