"""Stream time, and when statuses may be judged: intake against a world whose truth is known.

The rule: statuses are judged up to stream time (no partition holds an unread record of before), not
at all while a source is sending its history. `Truth` knows every record of each partition, when
it was appended and who sent it, and follows each source one share at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aggregator.intake.config import IntakeConfig
from aggregator.intake.partitions.lagging_sources import LAG_MS, SPEED, WINDOW_MS, LaggingSources
from aggregator.intake.partitions.offsets import Claim
from aggregator.intake.partitions.tracker import AssignedPartitions
from aggregator.intake.timestamps import timestamp_of
from ingest.kafka.progress import Progress
from ingest.kafka.record import PlainRecord
from schemas.batch import ShareBatch, batch_of
from schemas.share import Share, ShareResult
from tests.property.effort import examples

NOW_MS = 1_800_000_000_000
SOURCES = ("eu", "us", None)
CONFIG = IntakeConfig()
FRESH_MS = round(CONFIG.fresh_fetch_s * 1_000)


def batch(shares: list[tuple[int, str | None]]) -> ShareBatch:
    return batch_of(
        Share(at_ms, "alice", "rig", 1.0, ShareResult.ACCEPTED, source) for at_ms, source in shares
    )


@dataclass
class NaiveSource:
    """Every share ever consumed of one source: (stream time at that moment, its own time)."""

    seen: list[tuple[int, int]] = field(default_factory=list)

    def history_ms(self, stream_ms: int) -> int | None:
        """How far it has come with its history; None if it sends none.."""
        began = first = newest = heard = None
        stalled = False
        for when_ms, share_ms in self.seen:
            if began is None or heard - when_ms >= WINDOW_MS:
                began = None
                if when_ms - share_ms > LAG_MS:
                    began, first, newest, heard, stalled = (
                        when_ms,
                        share_ms,
                        share_ms,
                        when_ms,
                        False,
                    )
                continue
            if when_ms - share_ms <= LAG_MS // 2:
                began = None
                continue
            pause_ms, before_ms = when_ms - heard, newest
            heard, newest = when_ms, max(newest, share_ms)
            goes_on = pause_ms >= WINDOW_MS and 0 < newest - before_ms < pause_ms / SPEED
            if goes_on or when_ms - began >= WINDOW_MS:
                stalled = not goes_on and (newest - first) / (when_ms - began) < SPEED
                began, first = when_ms, newest
        if began is None or stalled or abs(stream_ms - heard) >= WINDOW_MS:
            return None
        return newest


steps = st.lists(
    st.tuples(
        st.integers(0, 200_000),
        st.lists(
            st.tuples(
                st.one_of(st.integers(0, 2 * LAG_MS), st.integers(0, 86_400_000)),
                st.sampled_from(SOURCES),
            ),
            max_size=4,
        ),
    ),
    max_size=40,
)


@examples(100)
@given(steps)
def test_sources_that_send_their_history_agree_with_one_share_at_a_time(
    steps: list[tuple[int, list[tuple[int, str | None]]]],
) -> None:
    lagging, naive, now_ms = LaggingSources(), {each: NaiveSource() for each in SOURCES}, NOW_MS
    for pause_ms, ages in steps:
        now_ms += pause_ms
        shares = [(now_ms - age_ms, source) for age_ms, source in ages]
        lagging.observe(batch(shares), stream_ms=now_ms)
        for source in {source for _, source in shares}:
            newest = max(at_ms for at_ms, each in shares if each == source)
            naive[source].seen.append((now_ms, newest))
        found = [each.history_ms(now_ms) for each in naive.values()]
        expected = min((each for each in found if each is not None), default=None)
        assert lagging.history_ms(now_ms) == expected


@given(speed=st.floats(2.0, 1_000.0), hours=st.integers(1, 24), every_s=st.integers(5, 60))
@examples(25)
def test_statuses_wait_until_a_history_is_in(speed: float, hours: int, every_s: int) -> None:
    """However slowly it comes, as long as it gains on the clock, and in however large pieces."""
    lagging, now_ms, share_ms = LaggingSources(), NOW_MS, NOW_MS - hours * 3_600_000
    while share_ms < now_ms - LAG_MS:
        lagging.observe(batch([(share_ms, "eu"), (now_ms, "us")]), stream_ms=now_ms)
        assert lagging.history_ms(now_ms) == share_ms
        assert lagging.history_ms(now_ms + every_s * 1_000 - 1) == share_ms
        now_ms += every_s * 1_000
        share_ms += round(every_s * 1_000 * speed)
    lagging.observe(batch([(now_ms, "eu")]), stream_ms=now_ms)
    assert lagging.history_ms(now_ms) is None


@given(lag_s=st.integers(91, 40_000), every_s=st.integers(7, 600), jitter_s=st.integers(0, 9))
@examples(40)
def test_a_source_with_a_slow_clock_holds_nobody_up_for_long(
    lag_s: int, every_s: int, jitter_s: int
) -> None:
    """Nor one whose clock is slow by about as much as makes it lag."""
    lagging, waited_s = LaggingSources(), 0
    for number, second in enumerate(range(0, 3_000, every_s)):
        now_ms = NOW_MS + second * 1_000
        wobble_s = jitter_s * (1 if number % 2 else -1)
        lagging.observe(batch([(now_ms - (lag_s + wobble_s) * 1_000, "eu")]), stream_ms=now_ms)
        waited_s += every_s if lagging.history_ms(now_ms + every_s * 1_000 - 1) is not None else 0
    # Until the end of its first window.
    assert waited_s <= 2 * WINDOW_MS / 1_000


@given(every_s=st.integers(7, 600))
@examples(25)
def test_a_source_whose_clock_stands_holds_nobody_up_for_long(every_s: int) -> None:
    lagging, waited_s = LaggingSources(), 0
    for second in range(0, 3_000, every_s):
        now_ms = NOW_MS + second * 1_000
        lagging.observe(batch([(NOW_MS - 3_600_000, "eu")]), stream_ms=now_ms)
        waited_s += every_s if lagging.history_ms(now_ms + every_s * 1_000 - 1) is not None else 0
    assert waited_s <= 2 * WINDOW_MS / 1_000


def test_a_history_that_pauses_and_goes_on_is_waited_for_again() -> None:
    lagging = LaggingSources()
    lagging.observe(batch([(NOW_MS - 7_200_000, "eu")]), stream_ms=NOW_MS)
    lagging.observe(batch([(NOW_MS - 3_600_000, "eu")]), stream_ms=NOW_MS + 60_000)
    assert lagging.history_ms(NOW_MS + 60_000 + WINDOW_MS) is None
    again_ms = NOW_MS + 900_000
    lagging.observe(batch([(NOW_MS - 3_599_000, "eu")]), stream_ms=again_ms)
    assert lagging.history_ms(again_ms) == NOW_MS - 3_599_000


@dataclass(frozen=True)
class Appended:
    """A record of the log, as it came to the broker at `true_ms`."""

    true_ms: int
    stamp_ms: int
    source: str | None


class Truth(RuleBasedStateMachine):
    """A topic of two partitions, its broker, three sources, and the clocks, step by step.

    `true_ms` is the database's clock. Producers' clocks are right here, but those that send their
    history stamp it with its time; the host of intake may be wrong by `skew_ms`.
    """

    PARTITIONS = (0, 1)

    @initialize(backlog_s=st.integers(0, 7_200), claimed=st.booleans())
    def begin(self, backlog_s: int, claimed: bool) -> None:
        self.true_ms, self.skew_ms = NOW_MS, 0
        self.broker_answers = True
        self.log: dict[int, list[Appended]] = {each: [] for each in self.PARTITIONS}
        self.consumed = dict.fromkeys(self.PARTITIONS, 0)
        self.progress = {each: Progress(0, None, None) for each in self.PARTITIONS}
        self.lagging = LaggingSources()
        self.sources = {each: NaiveSource() for each in SOURCES}
        self.stored: dict[int, int | None] = dict.fromkeys(self.PARTITIONS)
        self.waits = True
        self.history: dict[str, int] = {}
        self.tracked = AssignedPartitions(CONFIG)
        for back_s in range(backlog_s, 0, -600):
            at_ms = NOW_MS - back_s * 1_000
            self.log[back_s // 600 % 2].append(Appended(at_ms, at_ms, "eu"))
        if claimed:
            self.stored = dict.fromkeys(self.PARTITIONS, NOW_MS - backlog_s * 1_000)
        self._claim()

    def _claim(self) -> None:
        self.tracked.clear()
        for each in self.PARTITIONS:
            stored = self.stored[each]
            at = None if stored is None else timestamp_of(stored)
            claim = Claim(each, 1, self.consumed[each], None, None, None, at)
            self.tracked.add(claim, self.consumed[each])

    @property
    def host_ms(self) -> int:
        return self.true_ms + self.skew_ms

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self.true_ms += seconds * 1_000

    @rule(partition=st.sampled_from(PARTITIONS), source=st.sampled_from(("eu", None)))
    def a_live_share(self, partition: int, source: str | None) -> None:
        self.log[partition].append(Appended(self.true_ms, self.true_ms, source))

    @rule(partition=st.sampled_from(PARTITIONS), hours=st.integers(1, 48))
    def a_history_begins_or_goes_on(self, partition: int, hours: int) -> None:
        """Its next share is older than the service, and later than the one before it."""
        stamp_ms = max(self.history.get("us", 0) + 600_000, NOW_MS - hours * 3_600_000)
        stamp_ms = min(stamp_ms, self.true_ms)
        self.history["us"] = stamp_ms
        self.log[partition].append(Appended(self.true_ms, stamp_ms, "us"))

    @rule(partition=st.sampled_from(PARTITIONS), stamp=st.sampled_from((-1, 10**15, 10**17)))
    def a_wild_stamp(self, partition: int, stamp: int) -> None:
        self.log[partition].append(Appended(self.true_ms, stamp, None))

    @rule(answers=st.booleans())
    def the_broker(self, answers: bool) -> None:
        self.broker_answers = answers

    @rule(skew_s=st.sampled_from((0, 0, 30, -30, 120, -120, 86_400)))
    def the_clock_of_the_host(self, skew_s: int) -> None:
        self.skew_ms = skew_s * 1_000

    @precondition(lambda self: self.broker_answers)
    @rule(partition=st.sampled_from(PARTITIONS), most=st.integers(0, 6))
    def fetch(self, partition: int, most: int) -> None:
        """Some records of one partition; the broker says where all of them end."""
        start = self.consumed[partition]
        taken = self.log[partition][start : start + most]
        self.consumed[partition] += len(taken)
        records = [
            PlainRecord(b"", (), each.stamp_ms, partition=partition, offset=start + number)
            for number, each in enumerate(taken)
        ]
        for each in self.PARTITIONS:
            ends = len(self.log[each])
            self.progress[each] = Progress(self.consumed[each], ends, self.host_ms)
        self.tracked.advance({partition: records}, self.progress, now_ms=self.host_ms)
        stream_ms = self.tracked.reached_ms(self.host_ms)
        shares = [(each.stamp_ms, each.source) for each in taken if 0 <= each.stamp_ms < 10**13]
        self.lagging.observe(batch(shares), stream_ms=stream_ms)
        for source in {source for _, source in shares}:
            newest = max(at_ms for at_ms, each in shares if each == source)
            self.sources[source].seen.append((stream_ms, newest))

    @rule()
    def flush(self) -> None:
        """Seal, store as `advance` and the view `stream` do, take back what was stored."""
        history_ms = self.lagging.history_ms(self.tracked.reached_ms(self.host_ms))
        parts = list(self.tracked.seal(self.host_ms, history_ms=history_ms))
        for part in parts:
            known, given_ms = self.stored[part.partition], part.stream_ms
            if given_ms is not None and given_ms <= self.true_ms + 60_000:
                given_ms = min(given_ms, self.true_ms + 5_000)
                self.stored[part.partition] = max(given_ms, known or given_ms)
        self.tracked.stored(dict(self.stored))
        self.waits = any(part.history_ms is not None for part in parts)

    @rule()
    def rebalance(self) -> None:
        """What was not flushed is dropped and read again."""
        self.flush()
        self._claim()
        self.progress = {
            each: Progress(self.consumed[each], None, None) for each in self.PARTITIONS
        }

    @property
    def stream_ms(self) -> int | None:
        """The view `stream`: nothing is known as long as it is not of each partition."""
        times = [self.stored[each] for each in self.PARTITIONS]
        return None if None in times else min(each for each in times if each is not None)

    @invariant()
    def never_ahead_of_the_clock(self) -> None:
        stream_ms = self.stream_ms
        assert stream_ms is None or stream_ms <= self.true_ms + 5_000

    @invariant()
    def never_back(self) -> None:
        before = getattr(self, "_before_ms", None)
        if before is not None:
            assert self.stream_ms is not None
            assert self.stream_ms >= before
        self._before_ms = self.stream_ms

    @invariant()
    def nothing_that_may_be_judged_lies_unread(self) -> None:
        """An unread record of before stream time came to the broker within a fetch's freshness (or
        the tolerance of clocks), is older than what was read after it, or is of a source that sends
        its history, which nobody can know before its first share is read."""
        stream_ms = self.stream_ms
        if stream_ms is None:
            return
        slack_ms = FRESH_MS + 60_000
        for partition, log in self.log.items():
            for each in log[self.consumed[partition] :]:
                if each.source != "us" and 0 <= each.stamp_ms < 10**13:
                    later = [one.stamp_ms for one in log[: self.consumed[partition]]]
                    newest = max((one for one in later if one < 10**13), default=0)
                    assert stream_ms <= max(each.true_ms + slack_ms, newest, self._resumed(each))

    def _resumed(self, each: Appended) -> int:
        # Stream time was stored before this record came.
        return each.true_ms + 5_000

    @invariant()
    def history_is_waited_for(self) -> None:
        reached_ms = self.tracked.reached_ms(self.host_ms)
        found = [each.history_ms(reached_ms) for each in self.sources.values()]
        expected = min((each for each in found if each is not None), default=None)
        assert self.lagging.history_ms(reached_ms) == expected

    def teardown(self) -> None:
        """Once all is read, the broker answers and nobody sends history, statuses are judged."""
        if not hasattr(self, "true_ms"):
            return
        self.broker_answers, self.skew_ms = True, 0
        self.true_ms += 10 * WINDOW_MS
        for _ in range(2):
            for partition in self.PARTITIONS:
                self.fetch(partition, len(self.log[partition]))
            self.true_ms += 10 * WINDOW_MS
        self.fetch(0, 0)
        self.flush()
        assert self.stream_ms is not None
        assert self.true_ms - 5_000 <= self.stream_ms <= self.true_ms + 5_000
        assert not self.waits


Truth.TestCase.settings = settings(examples(40), stateful_step_count=30)
TestStreamTime = Truth.TestCase
