"""One line of a message about a threshold, in a person's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from schemas.messages.events import Event
from schemas.messages.notifications import THRESHOLD_NOTICES, Notice
from schemas.messages.thresholds import Metric

_PREFIXES: Final = ("", "k", "M", "G", "T", "P", "E", "Z")
_CROSSED, _CLEARED = THRESHOLD_NOTICES
_HASHRATES: Final = (Metric.HASHRATE, Metric.HASHRATE_OF_WEEK)

ThresholdTexts = Mapping[tuple[Notice, Metric], str]
"""Sentences of one language; `{figure}` and `{bound}` come with their units."""

ENGLISH: Final[ThresholdTexts] = {
    (_CROSSED, Metric.HASHRATE): "hashrate {figure} ({window}), below {bound} ± {error}",
    (_CROSSED, Metric.HASHRATE_OF_WEEK): "hashrate {figure} ({window}), below {bound} ± {error}, "
    "{percent_of_week} % of its own week",
    (_CROSSED, Metric.UNAVAILABLE_WORKERS): "{figure} workers unavailable, more than {bound}",
    (_CROSSED, Metric.REJECT_PCT): "{figure} % rejected ({window}), more than {bound} ± {error} %",
    (_CLEARED, Metric.HASHRATE): "hashrate {figure} ({window}), no longer below {bound}",
    (_CLEARED, Metric.HASHRATE_OF_WEEK): "hashrate {figure} ({window}), no longer below {bound}",
    (_CLEARED, Metric.UNAVAILABLE_WORKERS): "{figure} workers unavailable, not above {bound}",
    (_CLEARED, Metric.REJECT_PCT): "{figure} % rejected ({window}), no longer more than {bound} %",
}

RUSSIAN: Final[ThresholdTexts] = {
    (_CROSSED, Metric.HASHRATE): "хешрейт {figure} ({window}), ниже {bound} ± {error}",
    (_CROSSED, Metric.HASHRATE_OF_WEEK): "хешрейт {figure} ({window}), ниже {bound} ± {error}, "
    "{percent_of_week} % от своей недели",
    (_CROSSED, Metric.UNAVAILABLE_WORKERS): "недоступно воркеров: {figure}, больше {bound}",
    (_CROSSED, Metric.REJECT_PCT): "отклонено {figure} % ({window}), больше {bound} ± {error} %",
    (_CLEARED, Metric.HASHRATE): "хешрейт {figure} ({window}), уже не ниже {bound}",
    (_CLEARED, Metric.HASHRATE_OF_WEEK): "хешрейт {figure} ({window}), уже не ниже {bound}",
    (_CLEARED, Metric.UNAVAILABLE_WORKERS): "недоступно воркеров: {figure}, уже не больше {bound}",
    (_CLEARED, Metric.REJECT_PCT): "отклонено {figure} % ({window}), уже не больше {bound} %",
}


def last_of_thresholds(events: Iterable[Event]) -> list[Event]:
    """The newest event of each threshold among `events`, which are in order."""
    return list(
        {
            event.fields["threshold_id"]: event
            for event in events
            if event.fields is not None and event.kind in THRESHOLD_NOTICES
        }.values()
    )


def threshold_line(
    kind: str, fields: Mapping[str, str], texts: ThresholdTexts, *, name: Callable[[str], str]
) -> str:
    """`name` shows what somebody typed. KeyError or ValueError for fields of no threshold."""
    metric = Metric(fields["metric"])
    shown = dict(fields)
    if metric in _HASHRATES:
        shown |= {key: hashrate_text(float(fields[key])) for key in ("figure", "bound", "error")}
    line = texts[Notice(kind), metric].format_map(shown)
    worker = fields.get("worker_name")
    return line if worker is None else f"{name(worker)}: {line}"


def hashrate_text(hps: float) -> str:
    """Three digits that count.

    >>> hashrate_text(71_234_000_000_000.0), hashrate_text(0.0)
    ('71.2 TH/s', '0 H/s')
    """
    power = 0
    # 999.5 would be written as 1e+03.
    while hps >= 999.5 and power < len(_PREFIXES) - 1:
        hps, power = hps / 1_000, power + 1
    return f"{hps:.3g} {_PREFIXES[power]}H/s"
