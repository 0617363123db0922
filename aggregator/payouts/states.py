"""The states of a batch and of its transactions, and the steps between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class BatchState(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    BUILT = "built"
    """A PSBT is there to be signed; its inputs are locked."""
    SIGNED = "signed"
    """The bytes that pay are stored; none was seen to reach a node."""
    BROADCAST = "broadcast"
    CONFIRMED = "confirmed"
    FINAL = "final"
    CANCELLED = "cancelled"


class TransactionState(StrEnum):
    """A batch has one transaction, and one more for each fee bump: same payees, an input shared."""

    BUILT = "built"
    SIGNED = "signed"
    BROADCAST = "broadcast"
    CONFIRMED = "confirmed"
    FINAL = "final"
    REPLACED = "replaced"
    """Another version of the batch is in its place. Its bytes stay: it may still be the one that
    a block holds."""
    CANCELLED = "cancelled"
    """Was never signed here, and will not be."""


class Action(StrEnum):
    """What a person can ask for; in the order in which a batch needs it."""

    PROPOSE = "propose"
    APPROVE = "approve"
    BUILD = "build"
    IMPORT = "import"
    BROADCAST = "broadcast"
    BUMP = "bump"
    CANCEL = "cancel"


FOLLOWS: Final[Mapping[BatchState, frozenset[BatchState]]] = {
    BatchState.PROPOSED: frozenset({BatchState.APPROVED, BatchState.CANCELLED}),
    BatchState.APPROVED: frozenset({BatchState.BUILT, BatchState.CANCELLED}),
    BatchState.BUILT: frozenset({BatchState.SIGNED, BatchState.CANCELLED}),
    BatchState.SIGNED: frozenset({BatchState.BROADCAST}),
    BatchState.BROADCAST: frozenset({BatchState.CONFIRMED}),
    # Back by a reorganisation alone: the same bytes are sent again.
    BatchState.CONFIRMED: frozenset({BatchState.FINAL, BatchState.BROADCAST}),
    BatchState.FINAL: frozenset(),
    BatchState.CANCELLED: frozenset(),
}
"""What may come next; the database refuses everything else (trigger `payout_batches_forward`)."""

CANCELLABLE: Final = frozenset(
    state for state, following in FOLLOWS.items() if BatchState.CANCELLED in following
)
SENT: Final = frozenset({BatchState.SIGNED, BatchState.BROADCAST, BatchState.CONFIRMED})
"""Signed and not final: these are watched."""
