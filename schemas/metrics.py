"""Every metric of the service in one table: a name that is not in it cannot be used.

The runbook's table, the Prometheus rules and the Grafana dashboards are checked against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

Kind = Literal["counter", "gauge", "histogram"]

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ROWS: Final = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """Name without the prefix, kind, labels (each bounded), meaning, and what to do about it."""

    name: str
    kind: Kind
    meaning: str
    action: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = SECONDS


PREFIX: Final = "hashgauge_"

METRICS: Final = (
    # intake
    MetricSpec(
        "shares_total",
        "counter",
        "Shares counted, by result.",
        "A falling rate of `accepted` with steady workers: look at the stratum servers.",
        labels=("result",),
    ),
    MetricSpec(
        "dead_letters_total",
        "counter",
        "Messages sent to the dead letters, by reason.",
        "`hashgauge dead-letters list` shows them; fix the producer, then replay.",
        labels=("reason",),
    ),
    MetricSpec(
        "late_shares_total",
        "counter",
        "Shares that landed in a minute already taken as complete.",
        "A steady rate means a producer or a partition runs behind.",
    ),
    MetricSpec(
        "repeated_messages_total",
        "counter",
        "Messages dropped because their producer sent them before.",
        "Harmless; many mean that a producer often fails to get acknowledgements.",
    ),
    MetricSpec(
        "flush_seconds",
        "histogram",
        "Time of one flush of minutes and offsets.",
        "Above the flush interval intake falls behind: look at the database.",
    ),
    MetricSpec(
        "flush_rows",
        "histogram",
        "Worker minutes written by one flush.",
        "Grows with active workers.",
        buckets=ROWS,
    ),
    MetricSpec(
        "lag_messages",
        "gauge",
        "Messages on the partition not taken in yet.",
        "Rising without end: start more aggregators, up to one per partition.",
        labels=("partition",),
    ),
    MetricSpec(
        "rebalances_total",
        "counter",
        "Assignments of partitions to this process.",
        "Many an hour: a process dies or polls too slowly.",
    ),
    MetricSpec(
        "stream_time_seconds",
        "gauge",
        "Stream time of this process's partitions, epoch seconds.",
        "Far behind the wall clock: intake lags or the broker is away.",
    ),
)

_SPECS: Final = {spec.name: spec for spec in METRICS}


def _spec(name: str, kind: Kind) -> MetricSpec:
    spec = _SPECS[name]
    if spec.kind != kind:
        message = f"{name} is a {spec.kind}, not a {kind}"
        raise TypeError(message)
    return spec


@cache
def counter(name: str) -> Counter:
    """The registered counter; KeyError for a name that is not in `METRICS`."""
    spec = _spec(name, "counter")
    return Counter(PREFIX + spec.name, spec.meaning, spec.labels, registry=REGISTRY)


@cache
def gauge(name: str) -> Gauge:
    """The registered gauge; KeyError for a name that is not in `METRICS`."""
    spec = _spec(name, "gauge")
    return Gauge(PREFIX + spec.name, spec.meaning, spec.labels, registry=REGISTRY)


@cache
def histogram(name: str) -> Histogram:
    """The registered histogram; KeyError for a name that is not in `METRICS`."""
    spec = _spec(name, "histogram")
    return Histogram(
        PREFIX + spec.name, spec.meaning, spec.labels, buckets=spec.buckets, registry=REGISTRY
    )
