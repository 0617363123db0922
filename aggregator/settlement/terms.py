"""What was agreed with a miner on a day: frozen with its work, kept with what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

PPM: Final = 10**6
"""Fees have at most 6 decimals: whole millionths, so that nothing is lost."""


@dataclass(frozen=True, slots=True)
class Fee:
    """In millionths; `entry_id` is the schedule entry that set it, None without one."""

    ppm: int
    entry_id: int | None = None

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        return cls(found["ppm"], found["entry"])


@dataclass(frozen=True, slots=True)
class Referral:
    """Multipliers of the pool's fee, in millionths: what the miner pays, what the referrer gets."""

    referrer_id: int
    pool_ppm: int
    referrer_ppm: int


@dataclass(frozen=True, slots=True)
class Gift:
    """Boundary work of one worker that day, in hashes; `fee` is the recipient's to the donor."""

    worker_id: int
    recipient_id: int
    work: int
    minutes: int
    fee: Fee


@dataclass(frozen=True, slots=True)
class Sharing:
    sharing_id: int
    recipient_id: int
    rate_ppm: int
    type: str


@dataclass(frozen=True, slots=True)
class Terms:
    pool_id: int
    pool_fee: Fee
    operators: Mapping[int, Fee]
    """By operator's id."""
    referral: Referral | None = None
    gifts: Sequence[Gift] = ()
    sharings: Sequence[Sharing] = ()

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """As `freeze.sql` writes it."""
        referral = found["referral"]
        return cls(
            pool_id=found["pool"]["id"],
            pool_fee=Fee.from_json(found["pool"]),
            operators={one["id"]: Fee.from_json(one) for one in found["operators"]},
            referral=None
            if referral is None
            else Referral(referral["id"], referral["pool_ppm"], referral["referrer_ppm"]),
            gifts=[
                Gift(
                    one["worker"],
                    one["recipient"],
                    int(one["work"]),
                    one["minutes"],
                    Fee(one["fee_ppm"], one["entry"]),
                )
                for one in found["gifts"]
            ],
            sharings=[
                Sharing(one["id"], one["recipient"], one["rate_ppm"], one["type"])
                for one in found["sharings"]
            ],
        )
