"""The commands of `hashgauge`, a file each; heavy imports stay inside the functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import typer

from deploy.commands.care import (
    accounts,
    dead_letters,
    doctor,
    keys,
    mail,
    miners,
    offsets,
    people,
    pool,
    rebuild,
    report,
    status,
    watchers,
    webhooks,
)
from deploy.commands.money import ledger, payouts, rates, settle
from deploy.commands.run import (
    aggregate,
    database_roles,
    feed,
    gateway,
    import_history,
    migrate,
    notify,
    serve,
    settings,
)
from deploy.commands.tryout import kafka, simulate, up

SERVICE: Final = "Run"
LOCAL: Final = "Try out"
CARE: Final = "Look after"
MONEY: Final = "Pay"

COMMANDS: Final[tuple[tuple[str, Callable[..., Any], str], ...]] = (
    ("up", up.up, LOCAL),
    ("kafka", kafka.kafka, LOCAL),
    ("simulate", simulate.simulate, LOCAL),
    ("database-roles", database_roles.database_roles, SERVICE),
    ("migrate", migrate.migrate, SERVICE),
    ("aggregate", aggregate.aggregate, SERVICE),
    ("serve", serve.serve, SERVICE),
    ("gateway", gateway.gateway, SERVICE),
    ("notify", notify.notify, SERVICE),
    ("settings", settings.settings, SERVICE),
    ("settle", settle.settle, MONEY),
    ("status", status.status, CARE),
    ("doctor", doctor.doctor, CARE),
    ("report", report.report, CARE),
    ("rebuild", rebuild.rebuild, CARE),
)
GROUPS: Final[tuple[tuple[str, typer.Typer, str], ...]] = (
    ("feed", feed.app, SERVICE),
    ("import", import_history.app, SERVICE),
    ("offsets", offsets.app, CARE),
    ("dead-letters", dead_letters.app, CARE),
    ("keys", keys.app, CARE),
    ("accounts", accounts.app, CARE),
    ("people", people.app, CARE),
    ("pool", pool.app, CARE),
    ("miners", miners.app, CARE),
    ("watchers", watchers.app, CARE),
    ("webhooks", webhooks.app, CARE),
    ("mail", mail.app, CARE),
    ("ledger", ledger.app, MONEY),
    ("rates", rates.app, MONEY),
    ("payouts", payouts.app, MONEY),
)
