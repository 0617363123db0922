"""What a share says beside its work: optional, never a reason to refuse it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from ingest.decode.validate import MAX_DIFFICULTY
from schemas.batch import ShareDetails, details_of
from schemas.share import AGENT_MAX

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def details_in(pairs: Iterable[tuple[object, object]]) -> ShareDetails | None:
    """Columns of what was read as share_difficulty and agent, of any kind each."""
    said = list(pairs)
    # Nearly all messages say nothing: one comparison a share.
    if said.count((None, None)) == len(said):
        return None
    return details_of([(fit_difficulty(reached), fit_agent(agent)) for reached, agent in said])


def fit_difficulty(value: object) -> float | None:
    """None for what no share can have reached."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value <= MAX_DIFFICULTY else None


def fit_agent(value: object) -> str | None:
    """Printable, and no longer than what is kept; None for an empty one."""
    if not isinstance(value, str):
        return None
    return _CONTROL.sub("", value)[:AGENT_MAX].strip() or None


def joined_details(parts: Sequence[tuple[ShareDetails | None, int]]) -> ShareDetails | None:
    """Of batches with so many shares each, end to end; None if none of them says anything."""
    if all(details is None for details, _ in parts):
        return None
    agents: dict[str, int] = {}
    reached, agent = [], []
    for details, count in parts:
        if details is None:
            reached.append(np.full(count, np.nan))
            agent.append(np.full(count, -1, np.int32))
            continue
        codes = [agents.setdefault(name, len(agents)) for name in details.agents]
        reached.append(details.share_difficulty)
        # No agent is -1: the last place.
        agent.append(np.array([*codes, -1], np.int32)[details.agent])
    return ShareDetails(np.concatenate(reached), np.concatenate(agent), list(agents))
