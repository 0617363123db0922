"""Puts the rooms' services together from the settings; the only place that knows them all."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import uvicorn

from deploy.access import refuse_open_api
from deploy.addresses import database_url
from deploy.runtime import Service, http_service, monitor_service
from deploy.settings import Settings
from deploy.telemetry import Check
from query_api.app import create_app
from query_api.config import ApiConfig, DatabaseConfig
from query_api.lifespan import end_streams


def aggregator_services(
    settings: Settings, *, intake: bool, figures: bool, publisher: bool
) -> Mapping[str, Service]:
    """Stage 1, stage 2, the publisher or all of them, and their monitoring page."""
    from deploy.wiring_aggregator import figures_service, intake_service, publisher_service

    if settings.traces_endpoint:
        from deploy.tracing import trace_work

        trace_work(settings.traces_endpoint)
    checks: dict[str, Check] = {}
    services: dict[str, Service] = {}
    if intake:
        services["intake"] = intake_service(settings, checks)
    if figures:
        services["figures"] = figures_service(settings, checks)
    if publisher:
        services["publisher"] = publisher_service(settings)
    if settings.monitor_port:
        services["monitor"] = monitor_service(settings, checks)
    return services


def api_service(settings: Settings) -> Service:
    """The HTTP API. SettingsError where it would be open to the world."""
    app = create_app(api_config(settings))
    if settings.traces_endpoint:
        from deploy.tracing import trace_requests

        trace_requests(app, settings.traces_endpoint)
    return http_service(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
        ),
        port_from="--port or HASHGAUGE_PORT",
        before_end=lambda: end_streams(app),
    )


def api_config(settings: Settings) -> ApiConfig:
    """Access control is off only on loopback and without an internal key."""
    refuse_open_api(settings)
    key = settings.internal_api_key
    config = settings.configured("api", ApiConfig(DatabaseConfig(url=database_url(settings))))
    access = dataclasses.replace(
        config.access,
        required=key is not None,
        internal_api_key=None if key is None else key.get_secret_value(),
    )
    return dataclasses.replace(config, access=access)
