"""What stands around an app that strangers reach, the API's or the gateway's."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp

from deploy.process.hidden_metrics import HiddenMetrics
from deploy.process.loopback_only import LoopbackOnly
from deploy.process.runtime import Service, monitor_service
from deploy.settings.settings import Settings


def guarded(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Without a key for this machine alone; without its metrics, unless they are asked for."""
    inner = app if settings.public_metrics else HiddenMetrics(app)
    return inner if settings.internal_api_key is not None else LoopbackOnly(inner)


def metrics_service(settings: Settings) -> Mapping[str, Service]:
    """Its metrics on a port of their own, if there is one."""
    if not settings.http_monitor_port:
        return {}
    inside = settings.model_copy(update={"monitor_port": settings.http_monitor_port})
    return {"monitor": monitor_service(inside, {}, port_from="HASHGAUGE_HTTP_MONITOR_PORT")}
