"""Every metric of the service in one table: a name that is not in it cannot be used.

The runbook's table, the Prometheus rules and the Grafana dashboards are checked against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final, Literal

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

from schemas.share import ShareResult
from schemas.topics import InvalidReason
from schemas.worker import Cause, EventKind, WorkerStatus

Kind = Literal["counter", "gauge", "histogram"]

# 15 and 60 are what alerts compare with: between two buckets a quantile is a guess.
SECONDS: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    15,
    30,
    60,
)
ROWS: Final = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """Name without the prefix, kind, labels (each bounded), meaning, and what to do about it.

    `values` are the values of each label that are known beforehand: a counter that starts at zero
    shows its first increase, one that appears with it does not.
    """

    name: str
    kind: Kind
    meaning: str
    action: str
    labels: tuple[str, ...] = ()
    values: tuple[tuple[str, ...], ...] = ()
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
        values=(tuple(result.wire for result in ShareResult),),
    ),
    MetricSpec(
        "dead_letters_total",
        "counter",
        "Messages sent to the dead letters, by reason.",
        "`hashgauge dead-letters list` shows them; fix the producer, then replay.",
        labels=("reason",),
        values=(tuple(InvalidReason),),
    ),
    MetricSpec(
        "late_shares_total",
        "counter",
        "Shares of a minute that was already complete.",
        "A steady rate means a producer or a partition runs behind.",
    ),
    MetricSpec(
        "duplicate_messages_total",
        "counter",
        "Messages dropped because their producer had sent them before.",
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
        "Messages on the partition not consumed yet.",
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
        "cycle_seconds",
        "histogram",
        "Time of one cycle of the leader, from reading to the commit.",
        "Above 30 s figures come less often than once a minute: more memory for the database.",
    ),
    MetricSpec(
        "figures_watermark_seconds",
        "gauge",
        "End of the last minute in the figures, epoch seconds.",
        "Behind the stream time by minutes: look at the leader's log.",
    ),
    MetricSpec(
        "figures_leads",
        "gauge",
        "1 if this process leads, 0 if it stands by.",
        "0 everywhere for half a minute: no leader runs, figures are stale.",
    ),
    # settlement
    MetricSpec(
        "settlement_next_day_seconds",
        "gauge",
        "Start of the day that is settled next, epoch seconds.",
        "More than 2 days ago: `hashgauge doctor` says for what the day waits.",
    ),
    MetricSpec(
        "ledger_problems",
        "gauge",
        "Checks of the ledger that failed, at the start and after each settled day.",
        "Above 0: `hashgauge ledger check` names them; stop payouts until it is understood.",
    ),
    # query_api
    MetricSpec(
        "http_request_seconds",
        "histogram",
        "Time to answer an HTTP request, by route and class of status.",
        "Many 5xx: the database is away or slow. A slow route: look at its query.",
        labels=("route", "status"),
    ),
    MetricSpec(
        "http_connections_ended_total",
        "counter",
        "Connections that were ended before a request was there, by reason.",
        "Many: somebody sends headers without end, or opens connections and says nothing. Look for "
        "the address in the proxy's log.",
        labels=("reason",),
        values=(("slow_head", "long_head"),),
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
        values=(tuple(WorkerStatus), tuple(Cause)),
    ),
    MetricSpec(
        "sources_silent",
        "gauge",
        "Stratum servers that are silent now, as the process that leads sees it.",
        "Look at those stratum servers, and at the network between them and the broker.",
    ),
    MetricSpec(
        "source_events_total",
        "counter",
        "Stratum servers that fell silent (`source-silent`) or came back (`source-back`).",
        "`source-silent` without `source-back`: look at that stratum server.",
        labels=("kind",),
        values=((EventKind.SOURCE_SILENT, EventKind.SOURCE_BACK),),
    ),
    MetricSpec(
        "deliveries_total",
        "counter",
        "Messages by channel and outcome (`delivered`, `retried`, `failed`).",
        "`failed` webhooks: `hashgauge webhooks list-failed`, then replay.",
        labels=("channel", "outcome"),
        values=(("kafka", "webhooks", "telegram", "email"), ("delivered", "retried", "failed")),
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
        values=(("accepted", "rejected"),),
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
    # payouts
    MetricSpec(
        "payouts_money_sat",
        "gauge",
        "Satoshi by kind: liabilities, due, reserved, promised (reserved, and without coins yet); "
        "of the wallet spendable, locked, waiting, immature.",
        "`due` above `spendable`: the next batch leaves people out; send coins to the wallet.",
        labels=("kind",),
    ),
    MetricSpec(
        "payouts_shortfall_sat",
        "gauge",
        "What the wallet lacks for everything that is due, in satoshi.",
        "Above 0 before the window opens: send coins to the wallet (they count once final).",
    ),
    MetricSpec(
        "payouts_unaccounted_sat",
        "gauge",
        "The wallet's account less the unspent outputs that stand for it, in satoshi.",
        "Not 0: `hashgauge ledger check` names the outputs; sign nothing until it is understood.",
    ),
    MetricSpec(
        "payouts_stopped_batches",
        "gauge",
        "Batches of payouts that need a person.",
        "`hashgauge payouts list` names them with their reason.",
    ),
    MetricSpec(
        "payouts_unconfirmed_seconds",
        "gauge",
        "How long the oldest batch that was broadcast has waited for a block; 0 without one.",
        "Hours: `hashgauge payouts bump` raises its fee.",
    ),
    MetricSpec(
        "payouts_node_answers",
        "gauge",
        "1 if the Bitcoin node answered the last look, 0 if it did not or is on another chain.",
        "0: payouts wait for it; the log of `hashgauge aggregate` names the reason.",
    ),
)

_SPECS: Final = {spec.name: spec for spec in METRICS}
_GAUGES: Final[dict[str, Gauge]] = {}
"""Those that are set."""


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


def start_at_zero(*names: str) -> None:
    """Shows every known series of these counters as 0, before anything is counted."""
    for name in names:
        started = counter(name)
        if _SPECS[name].labels:
            for values in product(*_SPECS[name].values):
                started.labels(*values)


def gauge(name: str) -> Gauge:
    """The registered gauge; KeyError for a name that is not in `METRICS`."""
    if name not in _GAUGES:
        spec = _spec(name, "gauge")
        _GAUGES[name] = Gauge(PREFIX + spec.name, spec.meaning, spec.labels, registry=REGISTRY)
    return _GAUGES[name]


def end_term(*names: str) -> None:
    """What only the one that leads or publishes knows ends with its term: these gauges are gone
    until somebody sets them. Their last value would be said for ever, and 0 would say that a term
    that found out nothing had found nothing wrong."""
    for name in names:
        ended = _GAUGES.pop(name, None)
        if ended is not None:
            REGISTRY.unregister(ended)


@cache
def histogram(name: str) -> Histogram:
    """The registered histogram; KeyError for a name that is not in `METRICS`."""
    spec = _spec(name, "histogram")
    return Histogram(
        PREFIX + spec.name, spec.meaning, spec.labels, buckets=spec.buckets, registry=REGISTRY
    )
