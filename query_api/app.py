"""The application: routes, layers and error handlers put together."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware
from starlette_compress import CompressMiddleware

from query_api import errors, openapi
from query_api.config import ApiConfig
from query_api.edge import Edge
from query_api.lifespan import lifespan_of
from query_api.limits import RateLimits
from query_api.methods import Methods
from query_api.respond import JsonResponse
from query_api.routes import ROUTERS, watch
from query_api.web.pages import add_pages


def create_app(config: ApiConfig) -> FastAPI:
    """The API under `config.base_path`; `/healthz`, `/readyz` and `/metrics` beside it."""
    base = config.base_path
    app = FastAPI(
        title="Hashgauge",
        version="0.1.0",
        description="Hashrate telemetry of a mining pool, as the Headframe pool API speaks it.",
        openapi_url=f"{base}/openapi.json",
        docs_url=f"{base}/docs",
        redoc_url=None,
        default_response_class=JsonResponse,
        lifespan=lifespan_of(config),
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    errors.install(app)
    for router in ROUTERS:
        _add_routes(app, router, base=base)
    _add_routes(app, watch.router, base="")
    add_pages(app, api_base=base)
    app.add_middleware(CompressMiddleware, minimum_size=config.http.compress_min_bytes)
    if config.http.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(config.http.cors_origins),
            allow_credentials=True,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["*"],
            expose_headers=["ETag", "X-As-Of", "X-Request-ID", "Warning", "Retry-After"],
        )
    app.openapi = lambda: _document(app, config)  # type: ignore[method-assign]
    app.state.limits = RateLimits(config.limits)
    # Made at the first request: routes may still be added until then.
    app.state.methods = cache(lambda: Methods(app.openapi()["paths"]))
    app.add_middleware(Edge, config=config.http, limits=app.state.limits, methods=app.state.methods)
    return app


def _add_routes(app: FastAPI, router: APIRouter, *, base: str) -> None:
    """As `include_router`, but flat: FastAPI walks nested routers anew at each request, which takes
    a fifth of the time of an answer from memory."""
    for route in router.routes:
        assert isinstance(route, APIRoute)
        app.router.add_api_route(
            base + route.path,
            route.endpoint,
            methods=list(route.methods or ()),
            status_code=route.status_code,
            tags=route.tags,
            dependencies=route.dependencies,
            operation_id=route.operation_id,
            response_class=route.response_class,
        )


def _document(app: FastAPI, config: ApiConfig) -> dict[str, Any]:
    if app.openapi_schema is None:
        cookie_name = config.access.kratos.cookie_name
        app.openapi_schema = openapi.build(app, cookie_name=cookie_name)
    return app.openapi_schema
