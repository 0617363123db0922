"""Settings of settlement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from aggregator.settlement.rate import Scheme

FIRST_DAY = date(2009, 1, 3)


@dataclass(frozen=True, slots=True)
class SchemeFrom:
    """How rates are made from a day on."""

    scheme: Scheme
    day: date = FIRST_DAY


@dataclass(frozen=True, slots=True)
class SettlementConfig:
    """When days are settled, and how."""

    # Whom people find in the table of the lease.
    holder: str = "settlement"
    # Without renewal for this long, another process takes over; renewed three times within.
    lease_s: float = 30.0
    # The next day is frozen when the clock is this far past its end (10:10 UTC): accruals are then
    # complete for stratum servers that were cut off over night.
    settle_after_s: float = 36_600.0
    # How rates are made: fpps, pps, or given (entered by a person), each from its day on.
    schemes: tuple[SchemeFrom, ...] = (SchemeFrom(Scheme.FPPS),)
    # So many blocks with the highest and the lowest fees are left out of a day's mean; 0: none.
    drop_blocks: int = 3
    # A day's last block must lie this deep, itself included.
    final_depth: int = 6
    # The first day that is settled; empty: that of the oldest worker minute.
    first_day: date | None = None
    # Miners in one transaction: half a second of work, and some 10,000 rows.
    chunk: int = 2_000
    # How often it looks whether a day is due.
    poll_s: float = 15.0
    # Pause after an error of the database or the node.
    retry_s: float = 5.0
    # Days whose minutes changed are corrected by themselves up to this sum of a day; 0: by hand.
    correct_up_to_sat: int = 0

    def scheme_of(self, day: date) -> Scheme:
        """The one with the newest day that is not after this."""
        return max(
            (one for one in self.schemes if one.day <= day),
            key=lambda one: one.day,
            default=SchemeFrom(Scheme.FPPS),
        ).scheme
