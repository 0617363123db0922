"""`hashgauge offsets reset`: where a partition goes on."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from typer.testing import CliRunner

from deploy.commands import offsets

LOG = {0: (10, 90), 3: (100, 900)}


@pytest.fixture
def reset(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    found: dict[int, int] = {}

    async def bounds(_: object) -> Mapping[int, tuple[int, int]]:
        return LOG

    async def reset(_: object, chosen: Mapping[int, int]) -> list[int]:
        found.update(chosen)
        return list(chosen)

    monkeypatch.setattr(offsets, "_bounds", bounds)
    monkeypatch.setattr(offsets, "_reset", reset)
    return found


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--where", "earliest"], {0: 10, 3: 100}),
        (["--where", "latest", "--partition", "0"], {0: 90}),
        (["--where", "417", "--partition", "3"], {3: 417}),
        (["--where", "417"], {}),
        (["--where", "latest", "--partition", "1"], {}),
        (["--where", "latest", "--partition", "0", "--partition", "-1"], {}),
        (["--where", "901", "--partition", "3"], {}),
        (["--where", "oldest", "--partition", "3"], {}),
    ],
)
def test_partitions_go_on_where_they_are_told(
    reset: dict[int, int], arguments: list[str], expected: dict[int, int]
) -> None:
    result = CliRunner().invoke(offsets.app, ["reset", "--yes", *arguments])
    assert (result.exit_code == 0) == bool(expected), result.output
    assert reset == expected
