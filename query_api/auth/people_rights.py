"""What owners and admins of a pool may do to the people in it: one table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Final


class Rank(IntEnum):
    """How a user stands in a pool, the highest of its roles."""

    MEMBER = 0
    """A role on an operator or a miner of the pool, or a lesser one on the pool."""
    ADMIN = 1
    OWNER = 2


class Deed(StrEnum):
    """What is done to a person."""

    READ = "read"
    """Details, sessions, permissions, invitations, deletion request."""
    INVITE_AGAIN = "invite again"
    END_SESSION = "end a session"
    RESET_SECOND_FACTOR = "reset a second factor"
    DELETE = "delete"


NOBODY: Final[frozenset[Rank]] = frozenset()
ANYBODY: Final = frozenset(Rank)
BELOW_ADMIN: Final = frozenset({Rank.MEMBER})
BELOW_OWNER: Final = frozenset({Rank.MEMBER, Rank.ADMIN})

MAY: Final[Mapping[Deed, Mapping[Rank, frozenset[Rank]]]] = {
    # deed → rank of the caller → ranks of the person that it may be done to
    Deed.READ: {Rank.OWNER: ANYBODY, Rank.ADMIN: ANYBODY},
    Deed.INVITE_AGAIN: {Rank.OWNER: ANYBODY, Rank.ADMIN: BELOW_OWNER},
    Deed.END_SESSION: {Rank.OWNER: ANYBODY, Rank.ADMIN: BELOW_ADMIN},
    Deed.RESET_SECOND_FACTOR: {Rank.OWNER: BELOW_OWNER, Rank.ADMIN: BELOW_ADMIN},
    Deed.DELETE: {Rank.OWNER: BELOW_OWNER, Rank.ADMIN: BELOW_ADMIN},
}

OF_THE_WHOLE_ACCOUNT: Final = frozenset({Deed.END_SESSION, Deed.RESET_SECOND_FACTOR, Deed.DELETE})
"""What is felt in every pool: only for who rules all the pools that the person has roles in, and
only to somebody with a role here, not to somebody who was merely invited."""


def may(deed: Deed, caller: Rank, person: Rank) -> bool:
    return person in MAY[deed].get(caller, NOBODY)
