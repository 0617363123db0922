"""Why a day brought more or less than another: an additive split in whole satoshi.

The factors of a reward are changed from the earlier day's to the later day's, one after the other:

    reward = rate × (1 + network fees) × hashrate × uptime × (1 - rejects) − commissions

After each step the reward is floored to a satoshi; a part is the difference of two neighbours.
Transfers (boundary work, profit sharing) are booked satoshi and are subtracted as they are. What
then is left of the difference of the two booked days is the rounding: fractions of a satoshi that
were carried from day to day. So the parts sum to the difference exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Final


class Part(StrEnum):
    """What a difference comes from."""

    HASHRATE = "hashrate"
    """Work handed in per hour of being online: machines added, removed, faster, slower."""
    DOWNTIME = "downtime"
    """Minutes in which workers handed in nothing."""
    REJECTS = "rejects"
    """Work that was refused."""
    DIFFICULTY = "difficulty"
    """The network: difficulty and subsidy."""
    NETWORK_FEES = "network_fees"
    """Transaction fees of the day's blocks."""
    COMMISSIONS = "commissions"
    """Of the pool and the operator."""
    TRANSFERS = "transfers"
    """Boundary work given and received, profit sharing."""
    ROUNDING = "rounding"
    """Carried fractions of a satoshi: a few satoshi at most."""


@dataclass(frozen=True, slots=True)
class DayFactors:
    """A settled day of a miner.

    submitted     hashes handed in, accepted and rejected
    uptime        share of the day that its workers worked, 0 to 1
    rejects       share of the submitted work that was refused
    base_rate     BTC per hash and day without transaction fees, × 10**8: satoshi
    network_fees  φ: transaction fees as a share of the subsidies
    commission    share of the gross that went to pool and operator
    reward_sat    as booked
    transfers_sat incoming less outgoing, as booked
    """

    submitted: int
    uptime: Fraction
    rejects: Fraction
    base_rate: Fraction
    network_fees: Fraction
    commission: Fraction
    reward_sat: int
    transfers_sat: int

    @property
    def per_uptime(self) -> Fraction:
        """Hashes that a whole day online would have handed in."""
        return Fraction(self.submitted) / self.uptime if self.uptime else Fraction(0)

    @property
    def total_sat(self) -> int:
        return self.reward_sat + self.transfers_sat


@dataclass(frozen=True, slots=True)
class _Mix:
    """Factors of which some are of one day and some of the other."""

    per_uptime: Fraction
    uptime: Fraction
    rejects: Fraction
    base_rate: Fraction
    network_fees: Fraction
    commission: Fraction

    def reward_sat(self) -> int:
        work = self.per_uptime * self.uptime * (1 - self.rejects)
        gross = work * self.base_rate * (1 + self.network_fees)
        return int(gross * (1 - self.commission) // 1)


def _mix_of(day: DayFactors) -> _Mix:
    return _Mix(
        day.per_uptime,
        day.uptime,
        day.rejects,
        day.base_rate,
        day.network_fees,
        day.commission,
    )


# In this order: first what the miner does, then what the network does, then who takes a share.
_STEPS: Final[tuple[tuple[Part, Callable[[_Mix, _Mix], _Mix]], ...]] = (
    (Part.HASHRATE, lambda mix, to: replace(mix, per_uptime=to.per_uptime)),
    (Part.DOWNTIME, lambda mix, to: replace(mix, uptime=to.uptime)),
    (Part.REJECTS, lambda mix, to: replace(mix, rejects=to.rejects)),
    (Part.DIFFICULTY, lambda mix, to: replace(mix, base_rate=to.base_rate)),
    (Part.NETWORK_FEES, lambda mix, to: replace(mix, network_fees=to.network_fees)),
    (Part.COMMISSIONS, lambda mix, to: replace(mix, commission=to.commission)),
)


def split(before: DayFactors, after: DayFactors) -> dict[Part, int]:
    """Satoshi by part; their sum is `after.total_sat - before.total_sat`.

    A day without any work has no hashrate per uptime: uptime and rejects then count as the other
    day's, so that the whole difference is hashrate.
    """
    before, after = _filled(before, after), _filled(after, before)
    mix, target = _mix_of(before), _mix_of(after)
    parts: dict[Part, int] = {}
    for part, step in _STEPS:
        moved = step(mix, target)
        parts[part] = moved.reward_sat() - mix.reward_sat()
        mix = moved
    parts[Part.TRANSFERS] = after.transfers_sat - before.transfers_sat
    parts[Part.ROUNDING] = after.total_sat - before.total_sat - sum(parts.values())
    return parts


def _filled(day: DayFactors, other: DayFactors) -> DayFactors:
    if day.submitted:
        return day
    return replace(day, uptime=other.uptime, rejects=other.rejects, commission=other.commission)
