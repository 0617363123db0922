"""What a feed could not read, or hands over in vain, is counted and said once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from ingest.feeds.ckpool_files import LogDirectory
from ingest.feeds.summary import FeedSummary
from schemas.batch import batch_of
from schemas.share import Share, ShareResult

NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000


def test_shares_that_intake_will_refuse_are_counted_by_reason() -> None:
    times = (NOW_MS, NOW_MS - 4 * DAY_MS, NOW_MS + DAY_MS)
    shares = [Share(at, "harbor", "rig", 1.0, ShareResult.ACCEPTED, None) for at in times]
    shares.append(Share(NOW_MS, "harbor", "rig", float(np.nan), ShareResult.ACCEPTED, None))
    summary = FeedSummary()
    assert summary.is_complete
    summary.note_refused(batch_of(shares), now_ms=NOW_MS)
    assert summary.refused == {"too_late": 1, "too_early": 1, "bad_difficulty": 1}
    assert not summary.is_complete


def test_folder_without_permission_is_logged_once_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything, so permission is taken away in `scandir`."""
    (tmp_path / "000a").mkdir()
    (tmp_path / "000a" / "1.sharelog").write_text("{}\n")
    (tmp_path / "000b").mkdir()
    real, closed = os.scandir, {str(tmp_path / "000b")}

    def scandir(path: Any) -> Any:
        if str(path) in closed:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    directory = LogDirectory(tmp_path, lambda _: None)
    with capture_logs() as logs:
        found = [directory.scan(), directory.scan(), directory.scan(everything=False)]
    assert len(found[0]) == 1
    assert [each["event"] for each in logs].count("no_permission") == 1
    assert directory.unreadable == {tmp_path / "000b"}
    closed.clear()
    directory.scan()
    assert not directory.unreadable
    directory.close()
