"""Widths and numbers of the buckets that windows are made of, from the one table of windows."""

from __future__ import annotations

from typing import Final

from schemas.windows import MINUTE_S, WINDOWS

_SPEC: Final = {spec.name: spec for spec in WINDOWS}

QUARTER_MIN: Final = _SPEC["15m"].span_s // MINUTE_S
HOUR_MIN: Final = _SPEC["1h"].span_s // MINUTE_S
DAY_BUCKET_MIN: Final = _SPEC["1d"].bucket_s // MINUTE_S
WEEK_BUCKET_MIN: Final = _SPEC["1w"].bucket_s // MINUTE_S
DAY_BUCKETS: Final = _SPEC["1d"].span_s // _SPEC["1d"].bucket_s
WEEK_BUCKETS: Final = _SPEC["1w"].span_s // _SPEC["1w"].bucket_s
DAY_PER_WEEK_BUCKET: Final = WEEK_BUCKET_MIN // DAY_BUCKET_MIN

# One more than the hour, so that the whole coarse bucket before the current one can always be
# summed anew, and the minute in progress.
MINUTE_ROWS: Final = HOUR_MIN + 2
