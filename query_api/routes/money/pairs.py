"""A donor and a recipient, as several paths name them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from query_api.auth.caller import Caller
from query_api.auth.rights import Action
from query_api.dependencies import Context
from query_api.http.errors import InvalidInputError
from query_api.store import entities
from query_api.store.entities import Entity
from schemas.access import EntityKind


@dataclass(frozen=True, slots=True)
class Pair:
    """Two miners of one pool."""

    donor: Entity
    recipient: Entity


async def pair_for(
    context: Context, caller: Caller, donor_uid: UUID, recipient_uid: UUID, *, action: Action
) -> Pair:
    """The donor's side decides about changes; what was agreed both sides read."""
    donor = await entities.find(context.database, EntityKind.MINER, donor_uid)
    recipient = await entities.find(context.database, EntityKind.MINER, recipient_uid)
    if donor is None:
        caller.refuse_missing("miner")
    both = recipient is not None and action is Action.READ_TERMS
    caller.require(action, donor.scope, *((recipient.scope,) if both and recipient else ()))
    if donor_uid == recipient_uid:
        raise InvalidInputError("path miner_recipient_id: must differ from miner_donor_id")
    if recipient is None or recipient.scope.pool_id != donor.scope.pool_id:
        caller.refuse_missing("recipient in the donor's pool")
    return Pair(donor, recipient)
