"""The pool's wallet as the service knows it: public descriptors, and the scripts they watch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import bdkpython as bdk

from ingest.errors import FatalError
from schemas.addresses.bitcoin import BDK_NETWORKS, BitcoinNetwork

_SETTING: Final = "HASHGAUGE_PAYOUTS__DESCRIPTOR"
# Transaction id, number, empty script, sequence; rounded up with the count of witnesses.
_OUTPOINT_VB: Final = 42
# Inputs that carry their signatures apart: the txid is known when the transaction is built.
_NATIVE_SEGWIT: Final = frozenset(
    {
        bdk.DescriptorType.WPKH,
        bdk.DescriptorType.WSH,
        bdk.DescriptorType.WSH_SORTED_MULTI,
        bdk.DescriptorType.TR,
    }
)


class Keychain(IntEnum):
    """Which branch of the descriptor a script belongs to."""

    EXTERNAL = 0
    """Deposits."""
    INTERNAL = 1
    """Change."""


@dataclass(frozen=True, slots=True)
class ScriptPlace:
    """Where a script stands in the wallet."""

    keychain: Keychain
    index: int


class WalletDescriptor:
    """Two public descriptors, `/0/*` and `/1/*`.

    FatalError for one that holds a private key, is not native segwit, or has not two branches.
    """

    def __init__(self, text: str, network: BitcoinNetwork) -> None:
        self.network = BDK_NETWORKS[network]
        kind = bdk.NetworkKind.MAIN if network == BitcoinNetwork.MAINNET else bdk.NetworkKind.TEST
        self.branches = _branches(text, kind)
        self.checksum = str(self.branches[0]).rpartition("#")[2]
        """Names this wallet in the tables."""
        satisfaction_wu: int = self.branches[0].max_weight_to_satisfy()
        self.input_vb: int = _OUTPOINT_VB + -(-satisfaction_wu // 4)
        """What spending one of its coins adds to a transaction, at most."""
        self._scripts: dict[bytes, ScriptPlace] = {}
        self._derived = [0, 0]

    def watch_to(self, keychain: Keychain, count: int) -> None:
        """Watch the first `count` scripts of a branch (152 µs for each new one)."""
        for index in range(self._derived[keychain], count):
            self._scripts[self.script(keychain, index)] = ScriptPlace(keychain, index)
        self._derived[keychain] = max(self._derived[keychain], count)

    def place_of(self, script: bytes) -> ScriptPlace | None:
        """None for a script that is not watched."""
        return self._scripts.get(script)

    def script(self, keychain: Keychain, index: int) -> bytes:
        found: bytes = self._address(keychain, index).script_pubkey().to_bytes()
        return found

    def address(self, keychain: Keychain, index: int) -> str:
        return str(self._address(keychain, index))

    def _address(self, keychain: Keychain, index: int) -> bdk.Address:
        return self.branches[keychain].derive_address(index, self.network)


def _branches(text: str, kind: bdk.NetworkKind) -> tuple[bdk.Descriptor, bdk.Descriptor]:
    try:
        whole = bdk.Descriptor(text, kind)
        branches = whole.to_single_descriptors() if whole.is_multipath() else [whole]
    except bdk.DescriptorError:
        # Its own text may repeat what was typed, and that may be a key.
        raise FatalError(f"{_SETTING}: not a descriptor of this network") from None
    if any(one.to_string_with_secret() != str(one) for one in branches):
        raise FatalError(
            f"{_SETTING} holds a private key: move what it guards, and give the public descriptor"
        )
    if len(branches) != len(Keychain) or not all(one.has_wildcard() for one in branches):
        raise FatalError(f"{_SETTING}: it must end with /<0;1>/*")
    if not all(one.desc_type() in _NATIVE_SEGWIT for one in branches):
        raise FatalError(f"{_SETTING}: only native segwit (wpkh, wsh, tr)")
    return branches[0], branches[1]
