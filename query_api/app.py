"""The application: routes, layers and error handlers put together."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware
from starlette_compress import CompressMiddleware, remove_compress_type

from query_api.config import ApiConfig
from query_api.contract import openapi
from query_api.dependencies import authenticated
from query_api.http import errors
from query_api.http.allowed_methods import AllowedMethods
from query_api.http.middleware import OuterMiddleware
from query_api.http.rate_limits import RateLimits
from query_api.http.responses import JsonResponse
from query_api.lifespan import lifespan_of
from query_api.routes import ROUTERS, probes
from query_api.web.pages import add_pages


def create_app(config: ApiConfig) -> FastAPI:
    """The API under `config.base_path`; `/healthz`, `/readyz` and `/metrics` beside it."""
    base = config.base_path
    app = FastAPI(
        title="Hashgauge",
        version="0.1.0",
        description=openapi.INTRODUCTION,
        license_info={"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        openapi_url=f"{base}/openapi.json",
        # `add_pages` serves the reference: FastAPI's page loads its scripts from another host.
        docs_url=None,
        redoc_url=None,
        default_response_class=JsonResponse,
        lifespan=lifespan_of(config),
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    errors.install(app)
    for router in ROUTERS:
        _add_routes(app, router, base=base)
    _add_routes(app, probes.router, base="")
    add_pages(app, api_base=base, kratos=config.access.kratos)
    # Each compressed stream keeps a window of its own: 1,000 took 2.2 GB.
    remove_compress_type("text/event-stream")
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
    app.state.methods = cache(lambda: AllowedMethods(app.openapi()["paths"]))
    app.add_middleware(
        OuterMiddleware, config=config.http, limits=app.state.limits, methods=app.state.methods
    )
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
            route_class_override=type(route),
            response_model=route.response_model,
            responses=route.responses,
            deprecated=route.deprecated,
            openapi_extra=route.openapi_extra,
            include_in_schema=route.include_in_schema,
        )


def _document(app: FastAPI, config: ApiConfig) -> dict[str, Any]:
    if app.openapi_schema is None:
        cookie_name = config.access.kratos.cookie_name
        app.openapi_schema = openapi.build(
            app, cookie_name=cookie_name, authenticated=authenticated
        )
    return app.openapi_schema
