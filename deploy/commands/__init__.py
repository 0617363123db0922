"""The commands of `hashgauge`, one file per group; heavy imports stay inside the functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import typer

from deploy.commands import (
    accounts,
    dead_letters,
    doctor,
    feeds,
    keys,
    look,
    mend,
    offsets,
    report,
    services,
    shares,
    stack,
    webhooks,
)

SERVICE: Final = "Run"
LOCAL: Final = "Try out"
CARE: Final = "Look after"

COMMANDS: Final[tuple[tuple[str, Callable[..., Any], str], ...]] = (
    ("up", stack.up, LOCAL),
    ("kafka", stack.kafka, LOCAL),
    ("simulate", shares.simulate, LOCAL),
    ("migrate", services.migrate, SERVICE),
    ("aggregate", services.aggregate, SERVICE),
    ("serve", services.serve, SERVICE),
    ("gateway", services.gateway, SERVICE),
    ("notify", services.notify, SERVICE),
    ("settings", services.settings, SERVICE),
    ("status", look.status, CARE),
    ("doctor", doctor.doctor, CARE),
    ("report", report.report, CARE),
    ("rebuild", mend.rebuild, CARE),
)
GROUPS: Final[tuple[tuple[str, typer.Typer, str], ...]] = (
    ("feed", feeds.app, SERVICE),
    ("offsets", offsets.app, CARE),
    ("dead-letters", dead_letters.app, CARE),
    ("keys", keys.app, CARE),
    ("accounts", accounts.app, CARE),
    ("webhooks", webhooks.app, CARE),
)
