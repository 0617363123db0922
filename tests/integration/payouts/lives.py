"""A payouts service in a process of its own that is killed (SIGKILL) at its n-th step."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from dataclasses import dataclass
from functools import cache
from multiprocessing.context import ForkServerContext
from typing import Any

import psycopg
from psycopg.rows import dict_row

from aggregator.chain.config import ChainConfig
from aggregator.chain.follow import follow
from aggregator.chain.json_rpc import JsonRpc
from aggregator.chain.source import NodeSource
from aggregator.payouts.config import PayoutsConfig
from aggregator.payouts.service import PayoutService, parts
from aggregator.payouts.wallet.node import Node
from schemas.addresses.bitcoin import BitcoinNetwork
from schemas.runtime.clock import ManualClock

LONGEST_S = 120.0
"""A life takes less than a second."""


@dataclass(frozen=True)
class Life:
    """What a process needs to know. It carries out what was asked for; or looks at the chain, and
    does what follows from that."""

    url: str
    rpc_url: str
    pool_id: int
    config: PayoutsConfig
    now_ms: int
    looks: bool = False

    async def lived(self, steps: int) -> bool:
        """Whether it came to its end; False if it was killed before its step after `steps`."""
        process = _processes().Process(target=_live, args=(self, steps))
        process.start()
        await asyncio.to_thread(process.join, LONGEST_S)
        code = process.exitcode
        assert code in (0, -signal.SIGKILL), code
        process.close()
        return code == 0


class Fuse:
    def __init__(self, steps: int) -> None:
        self._left = steps

    def step(self) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


@cache
def _processes() -> ForkServerContext:
    """Imports everything once; each process is a fork of that one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _live(life: Life, steps: int) -> None:
    asyncio.run(_one_round(life, Fuse(steps)))


async def _one_round(life: Life, fuse: Fuse) -> None:
    connecting: Any = psycopg.AsyncConnection.connect(
        life.url, row_factory=dict_row, autocommit=True, cursor_factory=_fused_cursor(fuse)
    )
    async with _FusedRpc(life.rpc_url) as rpc, await connecting as connection:
        rpc.fuse = fuse
        source, chain = NodeSource(rpc), ChainConfig(network=BitcoinNetwork.REGTEST)
        made = parts(
            life.config,
            Node(rpc),
            pool_id=life.pool_id,
            follow_headers=lambda one: follow(one, source, chain),
        )
        clock = ManualClock(life.now_ms)
        service = PayoutService(life.config, made, None, clock)  # type: ignore[arg-type]
        if life.looks:
            await service.follow(connection)
        else:
            await made.steps.carry_out_all(connection, service._now())
        fuse.step()


def _fused_cursor(fuse: Fuse) -> type[psycopg.AsyncCursor[Any]]:
    """A step before each statement: so after the one before it, and after its commit, too."""

    class FusedCursor(psycopg.AsyncCursor[Any]):
        async def execute(self, *arguments: Any, **options: Any) -> Any:
            fuse.step()
            return await super().execute(*arguments, **options)

        async def executemany(self, *arguments: Any, **options: Any) -> None:
            fuse.step()
            await super().executemany(*arguments, **options)

    return FusedCursor


class _FusedRpc(JsonRpc):
    """A step before each call, and one between its effect and its answer."""

    fuse: Fuse

    async def batch(self, calls: Any) -> list[Any]:
        self.fuse.step()
        answers = await super().batch(calls)
        self.fuse.step()
        return answers
