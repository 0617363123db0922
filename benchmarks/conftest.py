"""What `make bench` notes beside its figures: whether others kept the machine busy."""

from __future__ import annotations

import pytest

from benchmarks.results import MACHINE, taken_on_a_busy_machine


@pytest.fixture(autouse=True)
def looked_at_the_machine() -> None:
    MACHINE.look()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    names = taken_on_a_busy_machine()
    terminalreporter.section("benchmarks")
    terminalreporter.write_line(f"results taken on a busy machine: {', '.join(names) or 'none'}")
