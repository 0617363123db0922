"""Who btcpool's numbers are: workers by its event topic, accounts by a mapping file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from ingest.decode.details import fit_agent
from ingest.errors import FatalError
from ingest.feeds.names import fit_account_name, fit_worker_name
from schemas.names.naming import WorkerNaming


class _Content(msgspec.Struct):
    user_id: int
    worker_id: int
    worker_name: str
    miner_agent: Any = None


class _Event(msgspec.Struct):
    type: str
    content: msgspec.Raw = msgspec.Raw(b"{}")


_event = msgspec.json.Decoder(_Event)
_content = msgspec.json.Decoder(_Content)


class Names:
    """Grows as events come. One task owns it."""

    def __init__(self, accounts: dict[int, str] | None = None) -> None:
        self._accounts = accounts or {}
        self._workers: dict[tuple[int, int], str] = {}
        self._agents: dict[tuple[int, int], str] = {}
        self._said: dict[tuple[int, int], str] = {}

    def learn(self, value: bytes | None) -> bool:
        """Take in one event; False if it is a worker's and cannot be read."""
        try:
            event = _event.decode(value or b"")
            if event.type != "worker_update":
                return True
            content = _content.decode(event.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        if content.worker_name:
            self._workers[content.user_id, content.worker_id] = content.worker_name
        if agent := fit_agent(content.miner_agent):
            self._agents[content.user_id, content.worker_id] = agent
        return True

    def agent(self, user_id: int, worker_hash: int) -> str | None:
        """Mining software, as the newest event of the worker names it."""
        return self._agents.get((user_id, worker_hash))

    def account(self, user_id: int) -> str:
        account = self._accounts.get(user_id)
        return fit_account_name(account) if account else f"user_{user_id}"

    def worker(self, user_id: int, worker_hash: int) -> str:
        """Its name, or the hash in hex (two's complement) until an event names it."""
        name = self._workers.get((user_id, worker_hash))
        return fit_worker_name(name) if name else _key(worker_hash)

    def new_names(self, workers: Iterable[tuple[int, int]]) -> tuple[WorkerNaming, ...]:
        """What to say beside the shares of these (user, hash): names that begin or have changed
        since they were said last. Said again after each start, which changes nothing."""
        found = []
        for user_id, worker_hash in dict.fromkeys(workers):
            name = self.worker(user_id, worker_hash)
            if self._said.get((user_id, worker_hash), _key(worker_hash)) != name:
                self._said[user_id, worker_hash] = name
                found.append(WorkerNaming(self.account(user_id), _key(worker_hash), name))
        return tuple(found)


def _key(worker_hash: int) -> str:
    return f"worker_{worker_hash & (1 << 64) - 1:016x}"


def read_accounts(path: Path) -> dict[int, str]:
    """A JSON object: user id → account name. FatalError if the file is something else."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[int, str])
    except (OSError, msgspec.DecodeError) as error:
        raise FatalError(f"{path} is no JSON object of user id to account name: {error}") from error
