"""The routes, one file per resource: read the request, ask the store, write the answer."""

from __future__ import annotations

from typing import Final

from query_api.routes.accounts import (
    access,
    look_up,
    miner_lists,
    miners,
    operators,
    pools,
    public_pool,
)
from query_api.routes.money import (
    earnings,
    explanations,
    fees,
    payments,
    payout_batches,
    reward_rates,
    sharing,
    statements,
    virtual_mining,
    wallets,
)
from query_api.routes.money import transfers as manual_transfers
from query_api.routes.telemetry import entities, events, overview, reports
from query_api.routes.telemetry import miners as miners_telemetry
from query_api.routes.telemetry import workers as workers_telemetry
from query_api.routes.users import (
    account,
    api_keys,
    invitations,
    notifications,
    pool_users,
    telegram,
    thresholds,
    users,
    watchers,
    webhooks,
)
from query_api.routes.workers import boundary, labels, lists, transfers, worker

# Fixed paths stand before those with an id in the same place (/workers/stats, /workers/{id}), and
# what is asked most before the rest: routes are tried in their order.
ROUTERS: Final = (
    workers_telemetry.router,
    miners_telemetry.router,
    entities.router,
    lists.router,
    labels.router,
    miner_lists.router,
    boundary.router,
    worker.router,
    transfers.router,
    reports.router,
    events.router,
    webhooks.router,
    thresholds.router,
    invitations.router,
    miners.router,
    operators.router,
    overview.router,
    pools.router,
    public_pool.router,
    look_up.router,
    access.router,
    watchers.router,
    users.router,
    account.router,
    api_keys.router,
    pool_users.router,
    notifications.router,
    telegram.router,
    fees.router,
    virtual_mining.router,
    sharing.router,
    wallets.router,
    reward_rates.router,
    payments.router,
    explanations.router,
    earnings.router,
    statements.router,
    payout_batches.router,
    manual_transfers.router,
)
