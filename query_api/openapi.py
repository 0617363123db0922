"""The OpenAPI document: what FastAPI finds in the routes, with answers, errors and security added.

`python -m query_api.openapi` writes it to `query_api/openapi.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from query_api.config import ApiConfig, DatabaseConfig
from query_api.models import accounts, telemetry

FILE: Final = Path(__file__).with_name("openapi.json")
REF: Final = "#/components/schemas/{model}"

ANSWERS: Final[Mapping[str, type[BaseModel]]] = {
    "workers_stats": telemetry.StatsById,
    "miners_stats": telemetry.StatsById,
    "workers_charts": telemetry.Charts,
    "miners_charts": telemetry.Charts,
    "workers_rejects": telemetry.RejectsById,
    "miners_rejects": telemetry.RejectsById,
    "operator_stats": telemetry.Stats,
    "pool_stats": telemetry.Stats,
    "pool_overview": telemetry.PoolOverview,
    "donor_stats": telemetry.Stats,
    "operator_chart": telemetry.Chart,
    "pool_chart": telemetry.Chart,
    "donor_chart": telemetry.Chart,
    "miner_workers": telemetry.WorkerList,
    "operator_workers": telemetry.WorkerList,
    "pool_workers": telemetry.WorkerList,
    "miner_worker_counts": telemetry.Counts,
    "operator_worker_counts": telemetry.Counts,
    "pool_worker_counts": telemetry.Counts,
    "worker": telemetry.Worker,
    "worker_availability": telemetry.Availability,
    "create_boundary_worker": telemetry.BoundaryWorker,
    "boundary_worker": telemetry.BoundaryWorker,
    "change_boundary_worker": telemetry.BoundaryWorker,
    "put_boundary_worker": telemetry.BoundaryWorker,
    "hashrate_transfers": telemetry.BoundaryWorkerList,
    "workers_daily_report": telemetry.DailyReport,
    "donor_daily_report": telemetry.DailyReport,
    "status_transitions": telemetry.TransitionList,
    "public_pool": accounts.PublicPool,
    "public_pool_stats": telemetry.PublicPoolStats,
    "list_webhooks": accounts.WebhookList,
    "create_webhook": accounts.WebhookWithSecret,
    "change_webhook": accounts.Webhook,
    "rotate_webhook_secret": accounts.WebhookWithSecret,
    "list_deliveries": accounts.DeliveryList,
    "retry_delivery": accounts.Delivery,
    "set_alerts": accounts.AlertSettings,
    "register_miner": accounts.Miner,
    "miner": accounts.Miner,
    "set_title": accounts.Miner,
    "add_pool_miner": accounts.Miner,
    "add_operator_miner": accounts.Miner,
    "pool": accounts.Pool,
    "pool_operators": accounts.OperatorList,
    "pool_miners": accounts.MinerList,
    "operator": accounts.Operator,
    "operator_miners": accounts.MinerList,
    "invite_to_miner": accounts.Member,
    "invite_to_operator": accounts.Member,
    "invite_to_pool": accounts.Member,
    "modify_access_to_miner": accounts.Member,
    "modify_access_to_operator": accounts.Member,
    "modify_access_to_pool": accounts.Member,
    "list_watchers": accounts.WatcherList,
    "create_watcher": accounts.Watcher,
    "watcher_permissions": accounts.WatcherPermission,
    "list_bookmarks": accounts.BookmarkList,
    "add_bookmark": accounts.BookmarkedWatcher,
    "current_user": accounts.CurrentUser,
    "notification_preferences": accounts.Preferences,
    "change_notifications": accounts.Preferences,
    "create_invite": accounts.TelegramInvite,
    "newest_invite": accounts.TelegramInvite,
    "connected_chat": accounts.TelegramChat,
    "healthz": accounts.Health,
    "readyz": accounts.Health,
}
"""operationId → the body of its success."""

PUBLIC: Final = frozenset(
    {"public_pool", "public_pool_stats", "watcher_permissions", "healthz", "readyz", "metrics"}
)
PROBES: Final = frozenset({"healthz", "readyz", "metrics"})
CSV_TOO: Final = frozenset({"workers_daily_report", "donor_daily_report"})
CONDITIONAL: Final = frozenset(
    name
    for name, model in ANSWERS.items()
    if model
    in (
        telemetry.StatsById,
        telemetry.Stats,
        telemetry.Charts,
        telemetry.Chart,
        telemetry.RejectsById,
    )
)
CONFLICTS: Final = frozenset(
    {
        "create_boundary_worker",
        "change_boundary_worker",
        "put_boundary_worker",
        "remove_worker",
        "create_webhook",
        "register_miner",
        "add_pool_miner",
        "add_operator_miner",
    }
)

SECURITY_SCHEMES: Final[dict[str, dict[str, str]]] = {
    "user_session_web": {
        "type": "apiKey",
        "in": "cookie",
        "name": "ory_session_relaxedwescoffeywmz1r7og",
        "description": "A browser user's Ory Kratos session. The name is a setting.",
    },
    "user_session_mobile": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Session-Token",
        "description": "A mobile user's Ory Kratos session.",
    },
    "api_key": {"type": "http", "scheme": "bearer", "description": "A user's program."},
    "watcher_token": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Watcher-Token",
        "description": "Whoever holds a watcher link: reads the one miner it was issued for.",
    },
    "internal_api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Headframe-API-Key",
        "description": "The pool's own services: everything.",
    },
}

ERRORS: Final = {
    400: "A parameter or the body is wrong; the message names it.",
    401: "No credential, or not a valid one.",
    403: "The credential does not give this right.",
    404: "It does not exist.",
    409: "It conflicts with what is there.",
    429: "Too many requests; `Retry-After` says how long to wait.",
    503: "The database is away or busy; `Retry-After` says how long to wait.",
}


def build(app: FastAPI, *, cookie_name: str) -> dict[str, Any]:
    """The document of an application."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        servers=[{"url": "/"}],
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas.update(_shapes())
    schemes = {name: dict(scheme) for name, scheme in SECURITY_SCHEMES.items()}
    schemes["user_session_web"]["name"] = cookie_name
    components["securitySchemes"] = schemes
    components["responses"] = {f"Error{status}": _error(status) for status in ERRORS}
    for path in document["paths"].values():
        for operation in path.values():
            _complete(operation)
    return document


def _shapes() -> dict[str, Any]:
    wanted: dict[str, type[BaseModel]] = {model.__name__: model for model in ANSWERS.values()}
    wanted["Error"] = telemetry.Error
    _, definitions = models_json_schema(
        [(wanted[name], "serialization") for name in sorted(wanted)], ref_template=REF
    )
    shapes: dict[str, Any] = definitions["$defs"]
    return shapes


def _complete(operation: dict[str, Any]) -> None:
    name = operation["operationId"]
    responses = operation["responses"]
    responses.pop("422", None)
    success = responses[min(responses)]
    if name in ANSWERS:
        _describe_success(name, success)
    if name == "metrics":
        success["content"] = {"text/plain": {"schema": {"type": "string"}}}
    if name in CONDITIONAL:
        responses["304"] = {"description": "What `If-None-Match` names is still so."}
    for status in _errors_of(name, operation):
        responses[str(status)] = {"$ref": f"#/components/responses/Error{status}"}
    operation["security"] = [] if name in PUBLIC else [{scheme: []} for scheme in SECURITY_SCHEMES]


def _describe_success(name: str, success: dict[str, Any]) -> None:
    schema = {"$ref": REF.format(model=ANSWERS[name].__name__)}
    success["content"] = {"application/json": {"schema": schema}}
    if name in CSV_TOO:
        success["content"]["text/csv"] = {"schema": {"type": "string"}}
    if name in CONDITIONAL:
        success["headers"] = {
            "X-As-Of": _header("How far the figures reach.", format="date-time"),
            "ETag": _header("Changes with the figures."),
            "Cache-Control": _header("Ends when the next interval is due."),
        }


def _header(description: str, **schema: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", **schema}}


def _errors_of(name: str, operation: Mapping[str, Any]) -> list[int]:
    if name in PROBES:
        return [503] if name == "readyz" else []
    statuses = [400, 404, 429, 503]
    if name not in PUBLIC:
        statuses += [401, 403]
    if name in CONFLICTS or "access" in operation.get("tags", ()):
        statuses.append(409)
    return sorted(statuses)


def _error(status: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": ERRORS[status],
        "content": {"application/json": {"schema": {"$ref": REF.format(model="Error")}}},
    }
    if status in (429, 503):
        answer["headers"] = {
            "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
        }
    return answer


def text_of(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def write() -> None:
    """Write the document of the default settings into the tree."""
    from query_api.app import create_app

    FILE.write_bytes(text_of(create_app(ApiConfig(DatabaseConfig(url=""))).openapi()))


if __name__ == "__main__":
    write()
