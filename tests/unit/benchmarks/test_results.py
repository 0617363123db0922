"""Results of benchmarks say what else the machine did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.results import (
    BUSY_CORES,
    MACHINE,
    cores_at_work,
    record,
    taken_on_a_busy_machine,
)


def test_a_result_on_a_busy_machine_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.json"
    for name, cores in (("quiet", 0.1), ("busy", 1.4), ("then_quiet", 1.4), ("then_quiet", 0.0)):
        monkeypatch.setattr(MACHINE, "cores", cores)
        record(name, 1.23456, "s", "", "note", path=path)
    assert taken_on_a_busy_machine(path=path) == ["busy"]
    assert [row["busy_cores_before"] for row in json.loads(path.read_text())] == [1.4, 0.1, 0.0]
    assert "busy = 1.235 s  (on a busy machine: 1.4 cores" in capsys.readouterr().out


def test_results_that_do_not_say_count_as_quiet(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text('[{"name": "old", "value": 1}]')
    assert taken_on_a_busy_machine(path=path) == []


def test_an_idle_machine_is_not_busy(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 5 50 9000 10 0 3 1 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
    assert cores_at_work(0.01, stat=stat) == 0.0 < BUSY_CORES
