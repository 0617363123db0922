"""The status sweep: rows of minutes and stream time → transitions.

Minutes are read in order, so that one late sweep (a replay, a new leader) finds what a hundred
timely ones would have found, at the times at which it happened: silence when the limit ran out,
a return at the start of the minute of its share. Silence is judged at complete minutes only; that
makes a minute that is read while it fills count like one that is read when it is full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.figures.status.memory import Indices, ShareRows, SweepMemory
from aggregator.figures.status.rule import (
    OFF,
    REMOVED,
    STABLE,
    UNAVAILABLE,
    OutageSpan,
    due_times,
    evaluate,
    outages_within,
    silence_limits,
)
from aggregator.figures.status.share_rate import Counts, share_intervals
from aggregator.figures.status.sources import SourceEvent
from aggregator.figures.status.transitions import Journal, Transitions
from aggregator.figures.worker_arrays import NOT_SEEN, StatusColumns
from schemas.runtime.arrays import distinct
from schemas.windows import MINUTE_S
from schemas.worker import CAUSE_CODES, Cause, StatusPolicy

_SILENCE: Final = CAUSE_CODES.index(Cause.SILENCE)
_SOURCE_SILENT: Final = CAUSE_CODES.index(Cause.SOURCE_SILENT)
_SOURCE_BACK: Final = CAUSE_CODES.index(Cause.SOURCE_BACK)
_SHARE: Final = CAUSE_CODES.index(Cause.SHARE)
_FIRST_SHARE: Final = CAUSE_CODES.index(Cause.FIRST_SHARE)


@dataclass(frozen=True, slots=True)
class SweepRule:
    """The policy of statuses, and when stream time itself is the suspect."""

    policy: StatusPolicy = field(default_factory=StatusPolicy)
    # A timely sweep moves stream time by a minute. Three minutes in one sweep without a share of
    # anybody is an outage of the broker or of us. 0 takes it as silence: for clock=records, where a
    # gap is the log's own.
    outage_gap_s: int = 180

    @property
    def shared_silence_s(self) -> int:
        """How long all sources may be silent at once: a broker that is away for a minute or two is
        no outage yet by `outage_gap_s`, and no stratum server's death either."""
        return self.outage_gap_s + MINUTE_S if self.outage_gap_s else 0


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What one sweep found, in the order in which it happened."""

    transitions: Transitions
    sources: tuple[SourceEvent, ...]


def sweep(
    memory: SweepMemory,
    columns: StatusColumns,
    counts: Counts,
    *,
    rows: ShareRows,
    to_s: int,
    rule: SweepRule,
    outages: Sequence[OutageSpan] = (),
    wait: bool = False,
) -> SweepResult:
    """Take in `rows` and the silence up to `to_s`, the end of the last complete minute.

    Changes status, status_since_s, transition_number, last_share_s, share_interval_s and source_id
    of `columns`, and `counts` (both views of all rows in use). Rows of minutes at and after `to_s`
    count too, but prove no silence: another partition may still hold shares from before them.
    A `to_s` before the last sweep's counts as the last sweep's.

    With `wait` nobody is judged: old shares are still coming in (a producer sends its history), so
    the silence up to `to_s` proves nothing yet. Shares count, and make workers stable.

    `outages` are those that intake has seen, known to earlier sweeps or not: however shares fill
    them in, nobody is judged inside. One counts from when stream time passes its beginning.
    """
    from_s = memory.judged_to_s or 0
    to_s = max(from_s, to_s)
    minutes = _by_minute(rows)
    # The first sweep ever has no stream time to have stood still at.
    found = _outages(minutes, from_s, to_s, gap_s=rule.outage_gap_s if from_s else 0)
    ahead = sorted([*found, *_unknown(outages, memory.resumed_s)])
    run = _Sweep(
        memory, columns, counts, rows, rule, from_s, to_s, wait=wait, journal=Journal(columns)
    )
    for minute_s, chosen in minutes:
        if not wait:
            run.pass_outages(ahead, min(minute_s, to_s))
        run.take_minute(minute_s, chosen)
    if not wait:
        run.pass_outages(ahead, to_s)
        run.judge_everybody(to_s)
    memory.judged_to_s = to_s
    return SweepResult(run.journal.transitions(), tuple(run.source_events))


def warm_up(memory: SweepMemory, counts: Counts, rows: ShareRows) -> None:
    """Fill the rings of counts from the last hour of minutes, for a new leader; no status moves."""
    for minute_s, chosen in _by_minute(rows):
        accepted = rows.accepted_count[chosen]
        memory.clock.put(counts, minute_s, keys=rows.index[chosen], accepted=accepted)
        memory.sources.count(minute_s, source_id=rows.source_id[chosen], accepted=accepted)


@dataclass(slots=True)
class _Sweep:
    """One sweep under way."""

    memory: SweepMemory
    columns: StatusColumns
    counts: Counts
    rows: ShareRows
    rule: SweepRule
    from_s: int
    to_s: int
    wait: bool
    journal: Journal
    source_events: list[SourceEvent] = field(default_factory=list)

    @property
    def policy(self) -> StatusPolicy:
        return self.rule.policy

    def pass_outages(self, ahead: list[OutageSpan], until_s: int) -> None:
        """Whoever was too silent before an outage was so; after it everybody has a new chance.

        Applied with the first instant after its beginning: one that shares fill in has minutes
        inside, whose silence proves nothing. One without shares has none.
        """
        while ahead and ahead[0][0] < until_s:
            heard_s, again_s = ahead.pop(0)
            self.judge_everybody(heard_s)
            self.memory.resumed_s = max(self.memory.resumed_s, again_s)

    def judge_everybody(self, to_s: int) -> None:
        self._judge_sources(to_s)
        self._judge(np.arange(len(self.columns.status)), to_s)

    def take_minute(self, minute_s: int, chosen: Indices) -> None:
        """Rows of one minute: the silence before it, then what its shares change."""
        rows, known_s = self.rows, min(minute_s, self.to_s)
        indices, source_id = rows.index[chosen], rows.source_id[chosen]
        accepted, last_share_s = rows.accepted_count[chosen], rows.last_share_s[chosen]
        self._judge_sources(known_s)
        self._judge(indices, known_s)
        # Before a source is back: who fell silent with it keeps that as the cause.
        self._judge(self._workers_of_silent(source_id), known_s)
        self.source_events += self.memory.sources.take(
            minute_s,
            source_id=source_id,
            accepted=accepted,
            last_share_s=last_share_s,
            policy=self.policy,
        )
        self.memory.clock.put(self.counts, minute_s, keys=indices, accepted=accepted)
        returned = self._take_shares(minute_s, indices, last_share_s, source_id)
        self._revive(returned, minute_s, max(known_s, self.from_s))

    def _workers_of_silent(self, source_id: NDArray[np.int32]) -> Indices:
        silent = [one for one in distinct(source_id).tolist() if self.memory.sources.silent(one)]
        if not silent:
            return np.empty(0, np.intp)
        return np.flatnonzero(np.isin(self.columns.source_id, silent))

    def _judge_sources(self, to_s: int) -> None:
        if self.wait:
            return
        self.source_events += self.memory.sources.run_out(
            to_s,
            columns=self.columns,
            policy=self.policy,
            resumed_s=self.memory.resumed_s,
            shared_s=self.rule.shared_silence_s,
        )

    def _judge(self, indices: Indices, to_s: int) -> None:
        """Every limit of `indices` that ran out by `to_s`, one after another."""
        if self.wait:
            return
        columns = self.columns
        status = columns.status[indices]
        indices = indices[
            ~columns.is_boundary[indices] & (status != NOT_SEEN) & (status != REMOVED)
        ]
        due_s = due_times(
            columns.last_share_s[indices],
            columns.share_interval_s[indices],
            policy=self.policy,
            resumed_s=self.memory.resumed_s,
        )
        for code, at_s, next_s in zip(
            (UNAVAILABLE, OFF, REMOVED), due_s, (*due_s[1:], None), strict=True
        ):
            fell = (at_s <= to_s) & (columns.status[indices] < code)
            if fell.any():
                self._fall(indices[fell], code, at_s[fell])
            if next_s is not None:
                self._report_left_behind(indices, to_s, before_s=next_s)

    def _report_left_behind(
        self, indices: Indices, to_s: int, *, before_s: NDArray[np.int64]
    ) -> None:
        """Whom a silent source took along and did not bring back within their own limits.

        Their silence was reported as the source's, which is over; theirs is reported once,
        unless they fall further (at `before_s`) or the source is silent again by then.
        """
        chosen = self.memory.attributed.read(indices)
        if not chosen.any():
            return
        indices, before_s, columns = indices[chosen], before_s[chosen], self.columns
        source_id = columns.source_id[indices]
        heard_s = np.maximum(
            np.maximum(columns.last_share_s[indices], self.memory.sources.back_from(source_id)),
            self.memory.resumed_s,
        )
        due_s = heard_s + silence_limits(columns.share_interval_s[indices], self.policy)
        due = (due_s <= to_s) & (due_s < before_s)
        due &= due_s < self.memory.sources.silent_from(source_id)
        due &= np.isin(columns.status[indices], (UNAVAILABLE, OFF))
        self.memory.attributed.write(indices[due], attributed=False)
        self.journal.repeat(indices[due], at_s=due_s[due], cause=_SILENCE)

    def _fall(self, indices: Indices, code: int, at_s: NDArray[np.int64]) -> None:
        with_source = self.memory.sources.to_blame(
            self.columns.source_id[indices],
            due_s=at_s,
            last_share_s=self.columns.last_share_s[indices],
            policy=self.policy,
        )
        if code != UNAVAILABLE:
            # Who fell silent alone, or was reported as left behind, falls further alone.
            with_source &= self.memory.attributed.read(indices)
        self.memory.attributed.write(indices, with_source)
        self.journal.write(
            indices,
            codes=np.full(len(indices), code, np.int8),
            at_s=at_s,
            causes=np.where(with_source, _SOURCE_SILENT, _SILENCE),
        )

    def _take_shares(
        self,
        minute_s: int,
        indices: Indices,
        last_share_s: NDArray[np.int64],
        source_id: NDArray[np.int32],
    ) -> Indices:
        """Last shares move on and rates follow; the hardware workers whose last share this is."""
        columns = self.columns
        # Also where the second is the same: the counts of a minute that is still filling grow.
        known_last_s = columns.last_share_s[indices]
        newest = ~columns.is_boundary[indices] & (last_share_s >= known_last_s)
        indices, last_share_s = indices[newest], last_share_s[newest]
        columns.last_share_s[indices] = last_share_s
        columns.source_id[indices] = source_id[newest]
        interval_s = share_intervals(
            self.counts,
            self.memory.clock,
            keys=indices,
            last_share_s=last_share_s,
            minute_s=minute_s,
            policy=self.policy,
        )
        # A late share may belong to a minute that has left the ring: the rate stays as it was, and
        # so it does where a last share is read again when the hour before it is no longer whole.
        known = interval_s > 0
        if not self.memory.clock.holds(minute_s, self.policy.rate_span_s):
            known &= last_share_s > known_last_s[newest]
        columns.share_interval_s[indices[known]] = interval_s[known]
        return indices

    def _revive(self, indices: Indices, minute_s: int, known_s: int) -> None:
        """Who shared is as `evaluate` says at `known_s`, when that is better than it was."""
        columns = self.columns
        status, last_share_s = columns.status[indices], columns.last_share_s[indices]
        target = evaluate(
            last_share_s, columns.share_interval_s[indices], to_s=known_s, policy=self.policy
        )
        first = status == NOT_SEEN
        # The silence after a first share that came late is judged at the end of the sweep.
        target[first] = STABLE
        # A removed worker comes back with a share that is newer than its removal.
        may_return = (status != REMOVED) | (last_share_s > columns.status_since_s[indices])
        back = first | ((target < status) & may_return)
        indices, target, first = indices[back], target[back], first[back]
        attributed = self.memory.attributed.read(indices)
        causes = np.where(attributed, _SOURCE_BACK, _SHARE)
        causes[first] = _FIRST_SHARE
        # A late share may lead from off to unavailable only, which is no return to report.
        self.memory.attributed.write(indices, attributed & (target != STABLE))
        at_s = np.full(len(indices), minute_s, np.int64)
        self.journal.write(indices, codes=target, at_s=at_s, causes=causes)


def _outages(
    minutes: list[tuple[int, Indices]], from_s: int, to_s: int, *, gap_s: int
) -> list[OutageSpan]:
    if not gap_s:
        return []
    starts_s = np.array([minute_s for minute_s, _ in minutes], np.int64)
    return outages_within(starts_s, from_s=from_s, to_s=to_s, gap_s=gap_s)


def _unknown(outages: Sequence[OutageSpan], resumed_s: int) -> list[OutageSpan]:
    """Those not applied yet, from complete minutes on: others are not judged."""
    return [
        (stood_s // MINUTE_S * MINUTE_S, again_s)
        for stood_s, again_s in outages
        if again_s > resumed_s
    ]


def _by_minute(rows: ShareRows) -> list[tuple[int, Indices]]:
    """Minutes with accepted shares, ascending, each with the indices of its rows."""
    work = np.flatnonzero(rows.accepted_count > 0)
    order = work[np.argsort(rows.minute_s[work], kind="stable")]
    minutes_s, starts = np.unique(rows.minute_s[order], return_index=True)
    ends = [*starts[1:].tolist(), len(order)]
    return [
        (minute_s, order[start:end])
        for minute_s, start, end in zip(minutes_s.tolist(), starts.tolist(), ends, strict=False)
    ]
