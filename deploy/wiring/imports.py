"""An import, put together from the settings."""

from __future__ import annotations

import asyncio
import dataclasses

from psycopg import AsyncConnection

from aggregator.figures.config import FiguresConfig
from aggregator.figures.rollups.retention import Policies
from aggregator.imports.config import ImportConfig
from aggregator.imports.service import Importer, ImportSummary, OnProgress
from aggregator.intake.config import IntakeConfig
from aggregator.intake.workers.registry import Registry
from deploy.settings.addresses import database_url
from deploy.settings.settings import Settings
from ingest.history.chunk import History
from schemas.runtime.clock import SystemClock


async def import_history(
    settings: Settings, history: History, *, stop: asyncio.Event, on_progress: OnProgress
) -> ImportSummary:
    """Accounts are created, or refused, as intake does."""
    config = ImportConfig(clock=settings.clock)
    intake = dataclasses.replace(
        settings.configured("intake", IntakeConfig()),
        lock_timeout_s=config.lock_timeout_s,
    )
    importer = Importer(
        config,
        Registry(intake),
        policies=settings.configured("retention", Policies()),
        status=settings.configured("figures", FiguresConfig()).status,
        clock=SystemClock(),
    )
    async with await AsyncConnection.connect(
        database_url(settings), autocommit=True, application_name="hashgauge import"
    ) as connection:
        return await importer.run(connection, history, stop=stop, on_progress=on_progress)
