"""One round with the client that openapi-python-client made: prints what it read, as JSON."""

from __future__ import annotations

import json
import sys
from uuid import UUID

from hashgauge_client import AuthenticatedClient
from hashgauge_client.api.boundary_workers import (
    boundary_worker,
    change_boundary_worker,
    create_boundary_worker,
    disconnect_boundary_worker,
)
from hashgauge_client.api.miners import miner, miner_workers
from hashgauge_client.api.payments import miner_payments
from hashgauge_client.api.reports import workers_daily_report
from hashgauge_client.api.workers import workers_charts, workers_stats
from hashgauge_client.models import (
    ChangedBoundaryWorker,
    NewBoundaryWorker,
    Period,
    WorkerSort,
    WorkerStatus,
)

address, key, donor, recipient, rig = sys.argv[1:]
client = AuthenticatedClient(
    base_url=address, token=key, prefix="", auth_header_name="X-Headframe-API-Key"
)

chart = workers_charts.sync(client=client, period=Period.PT1H, id=[UUID(rig)])
points = chart.data.additional_properties[rig].points
stats = workers_stats.sync(client=client, id=[UUID(rig)]).additional_properties[rig]
listed = miner_workers.sync(
    UUID(donor),
    client=client,
    limit=2,
    status=[WorkerStatus.STABLE],
    sort_by=WorkerSort.WORKER_NAME,
)
report = workers_daily_report.sync(UUID(donor), client=client)
made = create_boundary_worker.sync(
    client=client,
    body=NewBoundaryWorker("round_python", UUID(recipient), UUID(donor), 5_000_000_000_000),
)
changed = change_boundary_worker.sync(
    made.id, client=client, body=ChangedBoundaryWorker("6000000000000")
)
read = boundary_worker.sync(made.id, client=client)
gone = disconnect_boundary_worker.sync_detailed(made.id, client=client)
payments = miner_payments.sync(UUID(donor), client=client)
missing = miner.sync_detailed(UUID(int=1), client=client)

json.dump(
    {
        "points": len(points),
        "chart": points[-1].hashrate,
        "stats": stats.field_1h.hashrate,
        "workers": [worker.name for worker in listed.data],
        "total": listed.pagination.total_count,
        "report": len(report.data),
        "made": made.hashrate.current.hashrate,
        "changed": changed.id == read.id,
        "gone": int(gone.status_code),
        "payment": [payments.data[0].type_, payments.data[0].amount],
        "missing": [int(missing.status_code), missing.parsed.error.message],
    },
    sys.stdout,
)
