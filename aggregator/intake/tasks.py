"""Work that gives way when the service is to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def unless_stopped(stopping: asyncio.Task[bool], work: Coroutine[Any, Any, None]) -> None:
    """Do `work`, but not longer than until `stopping`: what it held back is read again."""
    task = asyncio.create_task(work)
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    else:
        await cancelled(task)


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel and wait until it is over, however it ends."""
    task.cancel()
    await asyncio.wait({task})
