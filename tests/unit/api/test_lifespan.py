"""What runs beside the requests keeps running."""

from __future__ import annotations

import asyncio

import pytest

from query_api import lifespan


async def test_a_poller_that_fails_is_begun_anew_and_ends_when_cancelled(monkeypatch):
    monkeypatch.setattr(lifespan, "PAUSE_S", 0)
    runs = 0
    anew = asyncio.Event()

    async def run():
        nonlocal runs
        runs += 1
        if runs == 1:
            raise LookupError("nobody thought of this")
        anew.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(lifespan.kept_up(run))
    await asyncio.wait_for(anew.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert runs == 2
