"""Where blocks come from."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.addresses.bitcoin import BitcoinNetwork


@dataclass(frozen=True, slots=True)
class ChainConfig:
    """A Bitcoin node (Bitcoin Core or btcd), asked by JSON-RPC at BITCOIND_RPC_URL."""

    # A made-up chain in the place of a node, for trying out.
    simulated: bool = False
    # Decides about halvings (regtest: every 150 blocks) and about addresses.
    network: BitcoinNetwork = BitcoinNetwork.MAINNET
    # How far before the newest block a new installation begins: a week, so that the first days that
    # it settles have all their blocks.
    blocks_back: int = 1_100
    # A node that reorganises more than this is on another chain: a person has to look.
    deepest_reorganisation: int = 100
    # Difficulty of the made-up chain, near Bitcoin's: a petahash per second earns 0.0006 BTC a day.
    simulated_difficulty: float = 110_000_000_000_000.0
