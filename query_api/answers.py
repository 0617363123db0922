"""Telemetry answers: kept for a beat, equal requests merged, conditional requests answered cheaply.

An answer depends on the beat of the figures alone. It is made once for all callers, as parts with
the scopes they may be seen from; what a caller may not see is left out when it is put together.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from uuid import UUID

from query_api.auth.caller import Caller, Scope
from query_api.auth.rights import Action
from query_api.beat import Beat, BeatWatch


@dataclass(frozen=True, slots=True)
class Part:
    """What stands under one id, and from where it may be seen."""

    scopes: tuple[Scope, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as of `beat`.

    head, tail   bytes around the parts
    missing      stands for an id that cannot be served; None leaves such an id out
    due_s        epoch seconds (stream time) when the next interval is complete
    """

    beat: Beat
    head: bytes
    tail: bytes
    uids: tuple[UUID, ...]
    parts: Mapping[UUID, Part]
    missing: bytes | None
    interval_s: int
    due_s: int

    def visible(self, caller: Caller, action: Action) -> frozenset[UUID]:
        return frozenset(
            uid
            for uid, part in self.parts.items()
            if any(caller.may(action, scope) for scope in part.scopes)
        )

    def keyed_body(self, visible: frozenset[UUID]) -> bytes:
        """`{"<id>": part, ...}` between head and tail, ids in the order they were asked for."""
        entries: list[bytes] = []
        for uid in self.uids:
            body = self.parts[uid].body if uid in visible else self.missing
            if body is not None:
                entries.append(b'"%s":%s' % (str(uid).encode(), body))
        return b"%s{%s}%s" % (self.head, b",".join(entries), self.tail)

    def single_body(self) -> bytes:
        (part,) = self.parts.values()
        return b"%s%s%s" % (self.head, part.body, self.tail)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The bytes for one set of visible ids."""

    body: bytes
    etag: str


def render(body: bytes) -> Rendered:
    # Weak: the same figures compressed are other bytes.
    digest = hashlib.blake2b(body, digest_size=12).hexdigest()
    return Rendered(body, f'W/"{digest}"')


Load = Callable[[], Awaitable[Answer]]


class AnswerCache:
    """Answers of the current beat, the least recently used leaving first; one load at a time for
    each key. Owned by one event loop."""

    def __init__(self, watch: BeatWatch, *, max_bytes: int) -> None:
        self._watch = watch
        self._max_bytes = max_bytes
        self._bytes = 0
        self._answers: OrderedDict[Hashable, Answer] = OrderedDict()
        self._rendered: dict[Hashable, dict[frozenset[UUID], Rendered]] = {}
        self._loading: dict[tuple[Hashable, Beat | None], asyncio.Task[Answer]] = {}

    async def get(self, key: Hashable, load: Load) -> Answer:
        """The answer of `key` as of the known beat; `load` makes it when it is not there."""
        beat = self._watch.known
        answer = self._answers.get(key)
        if answer is not None and beat is not None and answer.beat == beat:
            self._answers.move_to_end(key)
            return answer
        flight = (key, beat)
        task = self._loading.get(flight)
        if task is None:
            task = asyncio.create_task(self._load(key, load))
            self._loading[flight] = task
            task.add_done_callback(lambda _: self._loading.pop(flight, None))
        # Shielded: a caller that hangs up must not fail the others who wait for the same answer.
        return await asyncio.shield(task)

    async def _load(self, key: Hashable, load: Load) -> Answer:
        answer = await load()
        self._drop(key)
        if answer.parts:
            self._answers[key] = answer
            self._bytes += _size(answer)
            while self._bytes > self._max_bytes and len(self._answers) > 1:
                self._drop(next(iter(self._answers)))
        return answer

    def _drop(self, key: Hashable) -> None:
        old = self._answers.pop(key, None)
        self._rendered.pop(key, None)
        if old is not None:
            self._bytes -= _size(old)

    def rendered(
        self, key: Hashable, answer: Answer, visible: frozenset[UUID], *, single: bool
    ) -> Rendered:
        """The bytes of an answer for those who see `visible`; remembered with the answer."""
        known = self._rendered.setdefault(key, {}) if self._answers.get(key) is answer else {}
        found = known.get(visible)
        if found is None:
            found = render(answer.single_body() if single else answer.keyed_body(visible))
            # Two views of one answer (all of it, and one miner's share) are common, more are not.
            if len(known) < 2:
                known[visible] = found
        return found


def _size(answer: Answer) -> int:
    # Parts and the rendered body, with some 500 bytes of objects around each part.
    return 2 * sum(len(part.body) + 500 for part in answer.parts.values())
