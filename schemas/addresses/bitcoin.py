"""Bitcoin addresses: what the pool can pay to, and what is wrong with the rest.

bdkpython decodes (base58check, bech32, bech32m): it was right on every vector of BIP 173 and 350 on
four networks, where the other libraries accepted foreign prefixes or hashes that nobody can spend.
Its errors have no text, so that the reasons are written here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import bdkpython

ADDRESS_MAX_CHARACTERS: Final = 90
"""BIP 173: nothing longer is an address."""

TAPROOT_PROGRAM_BYTES: Final = 32


class BitcoinNetwork(StrEnum):
    """Which chain an installation pays on."""

    MAINNET = "mainnet"
    TESTNET = "testnet"
    SIGNET = "signet"
    REGTEST = "regtest"


BDK_NETWORKS: Final = {
    BitcoinNetwork.MAINNET: bdkpython.Network.BITCOIN,
    BitcoinNetwork.TESTNET: bdkpython.Network.TESTNET,
    BitcoinNetwork.SIGNET: bdkpython.Network.SIGNET,
    BitcoinNetwork.REGTEST: bdkpython.Network.REGTEST,
}
_BECH32_PREFIXES: Final = ("bc1", "tb1", "bcrt1")


class InvalidAddressError(ValueError):
    """The message says what is wrong, without the address."""


def checked_address(text: str, network: BitcoinNetwork) -> str:
    """The address as everybody writes it (bech32 in small letters); InvalidAddressError for one
    that cannot be paid to on this network.

    >>> checked_address("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", BitcoinNetwork.MAINNET)
    'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
    """
    return str(_parsed(text, network))


def script_of(text: str, network: BitcoinNetwork) -> bytes:
    """The output script that pays to the address; raises as `checked_address` does."""
    script: bytes = _parsed(text, network).script_pubkey().to_bytes()
    return script


def _parsed(text: str, network: BitcoinNetwork) -> bdkpython.Address:
    if not text:
        raise InvalidAddressError("is empty")
    if len(text) > ADDRESS_MAX_CHARACTERS:
        raise InvalidAddressError(f"is longer than {ADDRESS_MAX_CHARACTERS} characters")
    if text != text.strip():
        raise InvalidAddressError("has a space before or after it")
    if not (text.isascii() and text.isalnum()):
        raise InvalidAddressError("has characters that no address has")
    try:
        address = bdkpython.Address(text, BDK_NETWORKS[network])
    except bdkpython.AddressParseError.NetworkValidation as error:
        raise InvalidAddressError(f"is not an address of {network}") from error
    except bdkpython.AddressParseError as error:
        raise InvalidAddressError(_reason(text)) from error
    _refuse_unrelayed(address)
    return address


def _reason(text: str) -> str:
    """bdkpython reports a wrong bech32 string as wrong base58."""
    if not text.lower().startswith(_BECH32_PREFIXES):
        return "is no Bitcoin address: its base58 checksum or length is wrong"
    if text not in (text.lower(), text.upper()):
        return "mixes small and capital letters, which bech32 forbids"
    return "is no Bitcoin address: its bech32 checksum, version or length is wrong"


def _refuse_unrelayed(address: bdkpython.Address) -> None:
    """Valid addresses to which nodes relay no payment: one would stop its whole batch."""
    data = address.to_address_data()
    if not isinstance(data, bdkpython.AddressData.SEGWIT):
        return
    program = data.witness_program
    if program.version >= 2:
        raise InvalidAddressError(
            f"has witness version {program.version}, to which nodes relay no payment"
        )
    if program.version == 1 and len(program.program) != TAPROOT_PROGRAM_BYTES:
        raise InvalidAddressError(
            "has witness version 1 without a taproot key, to which nodes relay no payment"
        )
