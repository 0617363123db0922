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
    # figures
    MetricSpec(
        "merged_rows_total",
        "counter",
        "Worker minutes that the leader made or changed from flushed rows.",
        "Zero while shares come in: no leader runs, and the rows wait in `flushed_minutes`.",
    ),
    MetricSpec(
        "beat_seconds",
        "histogram",
        "Time of one beat of the leader, from reading to the commit.",
        "Above 30 s figures come less often than once a minute: more memory for the database.",
    ),
    MetricSpec(
        "figures_complete_to_seconds",
        "gauge",
        "End of the last minute in the figures, epoch seconds.",
        "Behind the stream time by minutes: look at the leader's log.",
    ),
    MetricSpec(
        "figures_leads",
        "gauge",
        "1 where this process leads, 0 where it stands by.",
        "0 everywhere for half a minute: no leader runs, figures are stale.",
    ),
    # query_api
    MetricSpec(
        "http_request_seconds",
        "histogram",
        "Time to answer an HTTP request, by route and class of status.",
        "Many 5xx: the database is away or slow. A slow route: look at its query.",
        labels=("route", "status"),
    ),
    # status and notify
    MetricSpec(
        "workers",
        "gauge",
        "Hardware workers of all pools, by status.",
        "Many `unavailable` at once: look for a `source-silent` event first.",
        labels=("status",),
    ),
    MetricSpec(
        "transitions_total",
        "counter",
        "Changes of status, by new status and cause.",
        "A burst of cause `silence` on many sources: look at the network, then at the broker.",
        labels=("status", "cause"),
    ),
    MetricSpec(
        "source_events_total",
        "counter",
        "Stratum servers that fell silent (`source-silent`) or came back (`source-back`).",
        "`source-silent` without `source-back`: look at that stratum server.",
        labels=("kind",),
    ),
    MetricSpec(
        "deliveries_total",
        "counter",
        "Messages by channel and outcome (`delivered`, `retried`, `failed`, `dropped`).",
        "`failed` webhooks: `hashgauge webhooks list-failed`, then replay.",
        labels=("channel", "outcome"),
    ),
    MetricSpec(
        "outbox_lag_seconds",
        "gauge",
        "Age of the oldest event that a channel has not taken yet; 0 when it has taken all.",
        "Rising: the publisher is stopped, or its channel (broker, bot API) is away.",
        labels=("channel",),
    ),
    # gateway
    MetricSpec(
        "gateway_shares_total",
        "counter",
        "Shares sent to the gateway, by outcome: accepted or rejected.",
        "Rejected ones stand with their reason in the answers: look at the stratum server.",
        labels=("outcome",),
    ),
    MetricSpec(
        "gateway_in_flight_bytes",
        "gauge",
        "Bodies that are read, decoded or waiting for the broker.",
        "At its limit the gateway answers 429: look at the broker, or start more gateways.",
    ),
    # storage
    MetricSpec(
        "rollups_waiting",
        "gauge",
        "Complete buckets that late or new minutes changed and no refresh has taken yet.",
        "Rising (TimescaleDB only): refreshes fail or can't keep up; look for `refresh_postponed`.",
    ),
    MetricSpec(
        "retention_rows_total",
        "counter",
        "Old rows deleted: events, and on plain PostgreSQL minutes and rollups.",
        "Zero for days while old rows stay: the leader does not get to it.",
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
