"""The pool that pays, and the one signer of a session."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from deploy.local.btcd.node import BtcdNode
from tests.integration.payouts.paying_pool import PayingPool, paying_pool
from tests.integration.payouts.signer import Signer


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(tmp_path_factory.mktemp("signer") / "seed")


@pytest.fixture
async def pool(database_url: str, btcd: BtcdNode, signer: Signer) -> AsyncIterator[PayingPool]:
    async with paying_pool(database_url, btcd, signer) as made:
        yield made
