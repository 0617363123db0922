"""The routes, one file per resource: read the request, ask the store, write the answer."""

from __future__ import annotations

from typing import Final

from query_api.routes import (
    access,
    boundary,
    entities_telemetry,
    events,
    miners,
    miners_telemetry,
    operators,
    overview,
    pools,
    public_pool,
    reports,
    telegram,
    transfers,
    users,
    watchers,
    webhooks,
    worker,
    worker_lists,
    workers,
)

# Fixed paths stand before those with an id in the same place (/workers/stats, /workers/{id}), and
# what is asked most before the rest: routes are tried in their order.
ROUTERS: Final = (
    workers.router,
    miners_telemetry.router,
    entities_telemetry.router,
    worker_lists.router,
    boundary.router,
    worker.router,
    transfers.router,
    reports.router,
    events.router,
    webhooks.router,
    miners.router,
    operators.router,
    overview.router,
    pools.router,
    public_pool.router,
    access.router,
    watchers.router,
    users.router,
    telegram.router,
)
