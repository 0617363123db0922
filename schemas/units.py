"""Units of mining work: difficulty, hashes, hashes per second."""

from __future__ import annotations

from typing import Final

HASHES_PER_DIFFICULTY: Final = 2**32
"""Expected hashes behind one share of difficulty 1 (stratum's convention for SHA-256d pools)."""


def hashrate_hps(difficulty: float, span_s: float) -> float:
    """Hashes per second of `difficulty` summed over `span_s` seconds."""
    return difficulty * HASHES_PER_DIFFICULTY / span_s


def difficulty_of(hashes_per_s: float, span_s: float) -> float:
    """The difficulty that `hashes_per_s` finds in `span_s` seconds."""
    return hashes_per_s * span_s / HASHES_PER_DIFFICULTY


def format_hps(difficulty: float, span_s: float) -> str:
    """Hashes per second as the API writes them: a decimal string with two decimals.

    The product with 2^32 is exact and the quotient is rounded once, to the nearest float64; all
    writers use this one function, so the same sum over the same span is the same string everywhere.

    >>> format_hps(290 * 65536, 900)
    '90697492495655.83'
    """
    return f"{difficulty * HASHES_PER_DIFFICULTY / span_s:.2f}"


def reject_pct(accepted: float, rejected: float) -> float:
    """Share of rejected work in percent; 0 where nothing was submitted."""
    submitted = accepted + rejected
    return 100.0 * rejected / submitted if submitted else 0.0
