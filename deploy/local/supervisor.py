"""Keeps the parts of the local stack running: in order, each again after a pause when it dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from deploy.local.errors import LocalStackError

# A part that lived this long had started well: its next failure is a first one again.
_WELL_AFTER_S: Final = 60.0
_PAUSE_FIRST_S: Final = 1.0
_PAUSE_LONGEST_S: Final = 30.0
_LOOK_EVERY_S: Final = 0.2


class Part(Protocol):
    """Something that runs as a child. `start` returns when it is healthy, or raises."""

    @property
    def name(self) -> str: ...

    @property
    def moves(self) -> bool:
        """Whether it comes back at another address, so that the parts after it must start anew."""
        ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def ended(self) -> str | None:
        """How it ended, in a few words; None while it runs."""
        ...


@dataclass(slots=True)
class _Life:
    started_at_s: float = 0.0
    pause_s: float = _PAUSE_FIRST_S
    due_at_s: float | None = None


class Supervisor:
    """Owns the parts. Single-threaded: `run` until the event is set by a signal handler."""

    def __init__(self, parts: Sequence[Part], say: Callable[[str], None]) -> None:
        self._parts = parts
        self._lives = {part.name: _Life() for part in parts}
        self._say = say

    def start(self, stop: threading.Event) -> None:
        """Each part when the one before it is healthy; what has started is stopped on failure."""
        try:
            for part in self._parts:
                if stop.is_set():
                    return
                self._begin(part)
        except BaseException:
            self.stop()
            raise

    def run(self, stop: threading.Event) -> None:
        """Look after the parts until `stop`."""
        while not stop.wait(_LOOK_EVERY_S):
            for position, part in enumerate(self._parts):
                if self._look_after(part) and part.moves:
                    self._restart(self._parts[position + 1 :])

    def stop(self) -> None:
        """In reverse order, each to its end before the next."""
        for part in reversed(self._parts):
            part.stop()

    def _begin(self, part: Part) -> None:
        life = self._lives[part.name]
        life.started_at_s, life.due_at_s = time.monotonic(), None
        part.start()

    def _restart(self, parts: Sequence[Part]) -> None:
        for part in reversed(parts):
            part.stop()
        for part in parts:
            self._try(part)

    def _look_after(self, part: Part) -> bool:
        """True where the part was started again just now."""
        life, now_s = self._lives[part.name], time.monotonic()
        if life.due_at_s is None:
            ended = part.ended()
            if ended is not None:
                self._plan(part, ended, now_s)
            return False
        if now_s < life.due_at_s:
            return False
        if not self._try(part):
            return False
        self._say(f"{part.name} runs again")
        return True

    def _try(self, part: Part) -> bool:
        try:
            self._begin(part)
        except LocalStackError as error:
            self._plan(part, str(error), time.monotonic())
            return False
        return True

    def _plan(self, part: Part, ended: str, now_s: float) -> None:
        life = self._lives[part.name]
        part.stop()
        if now_s - life.started_at_s > _WELL_AFTER_S:
            life.pause_s = _PAUSE_FIRST_S
        life.due_at_s = now_s + life.pause_s
        self._say(f"{part.name} {ended}; starting it again in {life.pause_s:.0f} s")
        life.pause_s = min(life.pause_s * 2, _PAUSE_LONGEST_S)
