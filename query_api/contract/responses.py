"""What a route declares beside its `response_model`: `responses=` for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

Responses: TypeAlias = dict[int | str, dict[str, Any]]


def _header(description: str, **schema: Any) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", **schema}}


AS_OF_HEADERS: Final = {
    "X-As-Of": _header("How far the figures reach.", format="date-time"),
    "Warning": _header('`110 - "figures are stale"`: they are older than a minute.'),
}

CONDITIONAL: Final[Responses] = {
    200: {
        "headers": AS_OF_HEADERS
        | {
            "ETag": _header("Changes with the figures."),
            "Cache-Control": _header("`max-age` ends when the next figures are due."),
        }
    },
    304: {"description": "What `If-None-Match` names is still so."},
}
"""Figures that are kept until the next ones are there."""

CONFLICT: Final[Responses] = {409: {"description": "It conflicts with what is there."}}

CREDENTIAL_ERRORS: Final[Responses] = {
    401: {"description": "A credential is never asked for here."},
    403: {"description": "A credential is never asked for here."},
}
"""Declared for a public route because existing clients are generated from a document that does."""

CSV_TOO: Final[Responses] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
"""With `Accept: text/csv` the same as a file."""

TABLE_TOO: Final[Responses] = {
    200: {
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
        }
    }
}
"""With `Accept` of one of them the same rows as a file, for a `TableRoute`."""

CONDITIONAL_TABLE: Final[Responses] = CONDITIONAL | {200: CONDITIONAL[200] | TABLE_TOO[200]}

CSV_FILE: Final[Responses] = {
    200: {
        "description": "A CSV file, attached.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}

EVENT_STREAM: Final[Responses] = {
    200: {
        "description": (
            "Server-Sent Events without end. Each `data` is an item of `status-transitions`, each "
            "`id` may be sent back as `Last-Event-ID`. Use an event source: a generated client "
            "waits for an end that does not come."
        ),
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
