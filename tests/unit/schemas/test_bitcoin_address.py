"""Addresses, by the vectors of BIP 173 and BIP 350, on each network."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.addresses.bitcoin import (
    BitcoinNetwork,
    InvalidAddressError,
    checked_address,
    script_of,
)

MAINNET, TESTNET = BitcoinNetwork.MAINNET, BitcoinNetwork.TESTNET
SIGNET, REGTEST = BitcoinNetwork.SIGNET, BitcoinNetwork.REGTEST

# BIP 350, "Test vectors for v0-v16 native segregated witness addresses", those that are relayed.
PAYABLE = [
    (
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "0014751e76e8199196d454941c45d1b3a323f1433bd6",
        {MAINNET},
    ),
    (
        "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
        "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
        {TESTNET, SIGNET},
    ),
    (
        "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy",
        "0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
        {TESTNET, SIGNET},
    ),
    (
        "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
        "5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
        {TESTNET, SIGNET},
    ),
    (
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        {MAINNET},
    ),
    (
        "3FZbgi29cpjq2GjdwV8eyHuJJnkLtktZc5",
        "a914982a9dacf9e0365a252185cb664fca73a559bc8987",
        {MAINNET},
    ),
    (
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac",
        {MAINNET},
    ),
    (
        "mubUpE11SXEuyM7EhSYEcnptbwvfcV72Nx",
        "76a9149a6ce6dbbce104979fd7f1714761e8756170f95b88ac",
        {TESTNET, SIGNET, REGTEST},
    ),
]

# BIP 350: valid addresses of versions and lengths that nodes do not relay.
UNRELAYED = [
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
    "BC1SW50QGDZ25J",
    "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs",
]

# BIP 173 and BIP 350, "The following list gives invalid segwit addresses".
INVALID = [
    "tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
    "BC13W508D6QEJXTDG4Y5R3ZARVARY0C5XW7KN40WF2",
    "bc1rw5uspcuh",
    "bc10w508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kw5rljs90",
    "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sL5k7",
    "bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du",
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3pjxtptv",
    "bc1gmk9yu",
    "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
    "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
    "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
    "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47",
    "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
    "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
    "bc1pw5dgrnzv",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j",
    "",
    "d8f7f55e689126db5521f8f725aaeba8436fcf60",
    "3FZbgi29cpjq2GjdwV8eyHuJJnkLtktZc6",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfN",
    "LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa ",
    "b" * 91,
    "bc1q\u0000",
]


@pytest.mark.parametrize(("address", "script", "networks"), PAYABLE)
@pytest.mark.parametrize("network", list(BitcoinNetwork))
def test_an_address_is_payable_on_its_networks_and_no_other(address, script, networks, network):
    if network in networks:
        assert script_of(address, network).hex() == script
        assert script_of(checked_address(address, network), network).hex() == script
    else:
        with pytest.raises(InvalidAddressError, match=f"is not an address of {network}"):
            checked_address(address, network)


@pytest.mark.parametrize("address", UNRELAYED)
def test_a_valid_address_that_nodes_do_not_relay_to_is_refused(address):
    with pytest.raises(InvalidAddressError, match="relay no payment"):
        checked_address(address, MAINNET)


@pytest.mark.parametrize("address", INVALID)
@pytest.mark.parametrize("network", list(BitcoinNetwork))
def test_what_is_no_address_is_refused_on_every_network(address, network):
    with pytest.raises(InvalidAddressError):
        checked_address(address, network)


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        (" 3FZbgi29cpjq2GjdwV8eyHuJJnkLtktZc5", "has a space before or after it"),
        ("3FZbgi29cpjq2GjdwV8eyHuJJnkLtktZc5\n", "has a space before or after it"),
        ("\u00a03FZbgi29cpjq2GjdwV8eyHuJJnkLtktZc5", "has a space before or after it"),
        ("3FZbgi29cpjq2Gjdw V8eyHuJJnkLtktZc5", "has characters that no address has"),
        ("3FZbgi29cpjq2GjdwV8eyHuJJnkLtkt\u200bZc5", "has characters that no address has"),
        # Letters that look alike: Cyrillic а and с, digits of full width.
        ("b\u04411qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "has characters that no address has"),
        ("\uff13FZbgi29cpjq2GjdwV8eyHuJJnkLtktZc5", "has characters that no address has"),
        ("bitcoin:3FZbgi29cpjq2GjdwV8eyHuJJnkLtktZc5", "has characters that no address has"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kV8F3T4", "mixes small and capital letters"),
        ("Bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "mixes small and capital letters"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "bech32 checksum, version or length"),
        ("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "is not an address of mainnet"),
        ("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "is not an address of mainnet"),
        ("mubUpE11SXEuyM7EhSYEcnptbwvfcV72Nx", "is not an address of mainnet"),
        ("2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", "is not an address of mainnet"),
        ("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", "base58 checksum or length"),
        # A private key, and an extended public one: never to be repeated.
        ("5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", "base58 checksum or length"),
        ("3FZbgi29cpjq2GjdwV8eyHuJJnkLtktZcO", "base58 checksum or length"),
    ],
)
def test_what_is_wrong_is_said_without_the_address(address, fault):
    with pytest.raises(InvalidAddressError, match=fault) as refused:
        checked_address(address, MAINNET)
    assert address.strip() not in str(refused.value)


def test_bech32_in_capitals_is_the_same_address():
    small = checked_address(PAYABLE[0][0], MAINNET)
    assert small == PAYABLE[0][0].lower()


@given(st.integers(0, 33), st.sampled_from("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijk"))
def test_one_wrong_letter_is_always_found(position, letter):
    right = "3FZbgi29cpjq2GjdwV8eyHuJJnkLtktZc5"
    wrong = right[:position] + letter + right[position + 1 :]
    if wrong != right:
        with pytest.raises(InvalidAddressError):
            checked_address(wrong, MAINNET)
