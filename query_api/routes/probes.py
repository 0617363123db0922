"""For machines that watch the service: outside the base path, no credential."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from query_api.contract.entities import Health
from query_api.dependencies import Ctx
from query_api.http.responses import json_response
from query_api.store import health

router = APIRouter(tags=["probes"])


@router.get("/healthz", response_model=Health)
async def healthz() -> Response:
    """The process lives."""
    return json_response({"status": "ok"})


@router.get("/readyz", response_model=Health, responses={503: {"description": "Not ready."}})
async def readyz(context: Ctx) -> Response:
    """The database is reachable and its schema current; 503 otherwise."""
    await health.check(context.database, schema_version=context.config.database.schema_version)
    return json_response({"status": "ready"})


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics() -> Response:
    """Metrics of this process, for Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
