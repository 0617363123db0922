"""The local Bitcoin node: mines, forgets as documented, and takes its blocks back."""

from __future__ import annotations

from deploy.local.btcd.node import BtcdNode


def test_node_mines_and_answers(btcd: BtcdNode) -> None:
    hashes = btcd.mine(3)
    assert btcd.call("getblockcount") == 3
    assert btcd.call("getbestblockhash") == hashes[-1]


def test_regtest_forgets_its_chain_and_takes_raw_blocks_back(btcd: BtcdNode) -> None:
    tip = btcd.mine(5)[-1]
    blocks = btcd.raw_blocks()
    btcd.kill()
    btcd.start()
    assert btcd.call("getblockcount") == 0
    btcd.submit(blocks)
    assert btcd.call("getbestblockhash") == tip
