"""The supervisor of the local stack: order, restarts, back-off."""

from __future__ import annotations

import threading

import pytest

from deploy.local.errors import LocalStackError
from deploy.local.supervisor import Supervisor


class FakePart:
    """Writes what happens to it into a list shared by all parts."""

    def __init__(self, name: str, events: list[str], *, moves: bool = False) -> None:
        self.name = name
        self.moves = moves
        self.dead: str | None = None
        self.fails = 0
        self._events = events

    def start(self) -> None:
        if self.fails:
            self.fails -= 1
            raise LocalStackError("ended with code 1")
        self._events.append(f"start {self.name}")
        self.dead = None

    def stop(self) -> None:
        self._events.append(f"stop {self.name}")

    def ended(self) -> str | None:
        return self.dead


class Loop(threading.Event):
    """Lets the supervisor look a number of times, then says stop; time passes by itself."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self._looks = looks

    def wait(self, timeout: float | None = None) -> bool:
        self._looks -= 1
        return self._looks < 0


@pytest.fixture
def events() -> list[str]:
    return []


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def now_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The supervisor's clock; ten seconds pass at every look at it."""
    clock = [0.0]

    def monotonic() -> float:
        clock[0] += 10.0
        return clock[0]

    monkeypatch.setattr("deploy.local.supervisor.time.monotonic", monotonic)
    return clock


def test_parts_start_in_order_and_stop_in_reverse(events: list[str]) -> None:
    parts = [FakePart(name, events) for name in ("database", "broker", "api")]
    supervisor = Supervisor(parts, print)
    supervisor.start(threading.Event())
    supervisor.stop()
    assert events == [
        "start database",
        "start broker",
        "start api",
        "stop api",
        "stop broker",
        "stop database",
    ]


def test_what_has_started_is_stopped_when_the_next_cannot(events: list[str]) -> None:
    parts = [FakePart("database", events), FakePart("broker", events)]
    parts[1].fails = 1
    with pytest.raises(LocalStackError):
        Supervisor(parts, print).start(threading.Event())
    assert events[0] == "start database"
    assert events[-1] == "stop database"


@pytest.mark.usefixtures("now_s")
def test_a_dead_part_is_started_again(events: list[str], said: list[str]) -> None:
    part = FakePart("api", events)
    supervisor = Supervisor([part], said.append)
    supervisor.start(threading.Event())
    part.dead = "ended with code 3"
    supervisor.run(Loop(3))
    assert events == ["start api", "stop api", "start api"]
    assert said == ["api ended with code 3; starting it again in 1 s", "api runs again"]


@pytest.mark.usefixtures("now_s")
def test_the_pause_grows_while_it_fails(events: list[str], said: list[str]) -> None:
    part = FakePart("api", events)
    supervisor = Supervisor([part], said.append)
    supervisor.start(threading.Event())
    part.dead, part.fails = "ended with code 1", 3
    supervisor.run(Loop(12))
    assert [line.rsplit(" in ", 1)[-1] for line in said] == [
        "1 s",
        "2 s",
        "4 s",
        "8 s",
        "api runs again",
    ]


@pytest.mark.usefixtures("now_s")
def test_parts_behind_one_that_moved_start_anew(events: list[str], said: list[str]) -> None:
    parts = [FakePart("broker", events, moves=True), FakePart("api", events)]
    supervisor = Supervisor(parts, said.append)
    supervisor.start(threading.Event())
    events.clear()
    parts[0].dead = "ended"
    supervisor.run(Loop(3))
    assert events == ["stop broker", "start broker", "stop api", "start api"]


@pytest.mark.usefixtures("now_s")
def test_a_part_that_waits_to_start_is_started_once_where_the_one_before_it_moved(
    events: list[str], said: list[str]
) -> None:
    parts = [FakePart("broker", events, moves=True), FakePart("simulator", events)]
    supervisor = Supervisor(parts, said.append)
    supervisor.start(threading.Event())
    events.clear()
    parts[0].dead = parts[1].dead = "ended"
    supervisor.run(Loop(4))
    assert events.count("start simulator") == 1
