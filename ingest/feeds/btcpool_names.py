"""Who btcpool's numbers are: workers by its event topic, accounts by a mapping file."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ingest.errors import FatalError
from ingest.feeds.names import fit_worker_name


class _Content(msgspec.Struct):
    user_id: int
    worker_id: int
    worker_name: str


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

    def learn(self, value: bytes | None) -> bool:
        """Take in one event; False where it is a worker's and cannot be read."""
        try:
            event = _event.decode(value or b"")
            if event.type != "worker_update":
                return True
            content = _content.decode(event.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        if content.worker_name:
            self._workers[content.user_id, content.worker_id] = content.worker_name
        return True

    def account(self, user_id: int) -> str:
        return self._accounts.get(user_id) or f"user_{user_id}"

    def worker(self, user_id: int, worker_hash: int) -> str:
        """Its name, or the hash in hex (two's complement) until an event tells the name."""
        name = self._workers.get((user_id, worker_hash))
        return fit_worker_name(name) if name else f"worker_{worker_hash & (1 << 64) - 1:016x}"


def read_accounts(path: Path) -> dict[int, str]:
    """A JSON object: user id → account name. FatalError where the file is something else."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[int, str])
    except (OSError, msgspec.DecodeError) as error:
        raise FatalError(f"{path} is no JSON object of user id to account name: {error}") from error
