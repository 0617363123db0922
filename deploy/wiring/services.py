"""Puts the rooms' services together from the settings; the only place that knows them all."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping

from aggregator.chain.config import ChainConfig
from aggregator.figures.rollups.retention import Policies
from deploy.database.migrate import expected_version
from deploy.process.bounded_http import http_config
from deploy.process.garbage import leave_out_what_stays
from deploy.process.runtime import Service, http_service, monitor_service
from deploy.process.telemetry import Check
from deploy.settings.addresses import server_url
from deploy.settings.database_address import asyncpg_address
from deploy.settings.open_api import refuse_open_api
from deploy.settings.settings import Settings
from deploy.wiring.public import guarded, metrics_service
from query_api.app import create_app
from query_api.config import ApiConfig, ChartConfig, DatabaseConfig
from query_api.lifespan import end_streams


def aggregator_services(
    settings: Settings, *, intake: bool, figures: bool, publisher: bool
) -> Mapping[str, Service]:
    """Stage 1, stage 2, the publisher or all of them, and their monitoring page."""
    from deploy.wiring.aggregator import figures_service, intake_service, publisher_service
    from deploy.wiring.payouts import payouts_service, pays
    from deploy.wiring.settlement import settlement_service

    if settings.traces_endpoint:
        from deploy.process.tracing import trace_work

        trace_work(settings.traces_endpoint)
    checks: dict[str, Check] = {}
    services: dict[str, Service] = {}
    if intake:
        services["intake"] = intake_service(settings, checks)
    if figures:
        services["figures"] = figures_service(settings, checks)
    if publisher:
        services["publisher"] = publisher_service(settings)
    if figures:
        services["settlement"] = settlement_service(settings)
    if figures and pays(settings):
        services["payouts"] = payouts_service(settings)
    if settings.monitor_port:
        services["monitor"] = monitor_service(settings, checks)
    return services


def api_services(settings: Settings) -> Mapping[str, Service]:
    """The HTTP API and its metrics. SettingsError where it would be open to the world."""
    app = create_app(api_config(settings))
    if settings.traces_endpoint:
        from deploy.process.tracing import trace_requests

        trace_requests(app, settings.traces_endpoint)
    service = http_service(
        http_config(guarded(app, settings), host=settings.host, port=settings.port),
        serves="api",
        port_from="--port or HASHGAUGE_PORT",
        before_end=lambda: end_streams(app),
    )
    app.openapi()  # the first request needs it, and would wait for half a second
    leave_out_what_stays()
    return {"api": service, **metrics_service(settings)}


def api_config(settings: Settings) -> ApiConfig:
    """Access control is off only on loopback and without an internal key."""
    refuse_open_api(settings)
    key = settings.internal_api_key
    url = asyncpg_address(server_url(settings))
    config = settings.configured(
        "api", ApiConfig(DatabaseConfig(url=url, schema_version=expected_version()))
    )
    access = dataclasses.replace(
        config.access,
        required=key is not None,
        internal_api_key=None if key is None else key.get_secret_value(),
    )
    # Addresses are of the chain that the blocks come from.
    network = settings.configured("chain", ChainConfig()).network
    money = dataclasses.replace(config.money, network=network)
    return dataclasses.replace(
        config,
        access=access,
        money=money,
        charts=_kept(settings),
        sealing_keys=settings.sealing(),
    )


def _kept(settings: Settings) -> ChartConfig:
    """An hour less than the retention, which runs once an hour."""
    policies = settings.configured("retention", Policies())

    def seconds(level: str) -> int:
        keep = policies.keep(level)
        return sys.maxsize if keep is None else int(keep.total_seconds()) - 3_600

    return ChartConfig(seconds("minutes"), seconds("15m"), seconds("1h"))
