"""When too many messages are unreadable: stop, rather than divert a whole topic."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.errors import FatalError
from ingest.kafka.record import Record


@dataclass(frozen=True, slots=True)
class LimitConfig:
    """How many messages may be unreadable before intake stops. What a miner can type never counts:
    a message with a share in it, however bad, is readable."""

    # One producer in ten with a bad release; a stray client of the topic is far below.
    share: float = 0.1
    # Of so many messages: about a minute of a pool of 10,000 workers.
    window: int = 10_000
    # A topic that suddenly holds something else is noticed sooner. 0 switches this off.
    in_a_row: int = 1_000


class DeadLetterLimit:
    """Stops the service rather than divert a whole topic because of a bad deploy."""

    def __init__(self, config: LimitConfig | None = None) -> None:
        self._config = config or LimitConfig()
        self._most = int(self._config.window * self._config.share)
        self._seen = 0
        self._row = 0
        self._bad: deque[int] = deque()

    def add(self, records: Sequence[Record], undecodable: Sequence[int]) -> None:
        """A fetch, of which the messages at these ascending indices were unreadable.

        Raises FatalError above the limit, before the dead letters of the fetch are sent: the next
        start finds the same messages again.
        """
        config, last = self._config, -1
        for index in undecodable:
            self._row = self._row + 1 if index == last + 1 else 1
            last = index
            self._bad.append(self._seen + index)
            while self._bad[0] <= self._seen + index - config.window:
                self._bad.popleft()
            if len(self._bad) > self._most or 0 < config.in_a_row <= self._row:
                raise FatalError(self._message(records[index]))
        if last != len(records) - 1:
            self._row = 0
        self._seen += len(records)

    def _message(self, record: Record) -> str:
        return (
            f"{len(self._bad)} of the last {self._config.window} messages are unreadable, "
            f"{self._row} of them in a row, the last one at offset {record.offset} of partition "
            f"{record.partition}: a producer seems to write another format. Nothing of this fetch "
            "was committed. Stop that producer, then either send them all to the dead letters "
            "(start with HASHGAUGE_DEAD_LETTERS__LIMIT__SHARE=1 and "
            "HASHGAUGE_DEAD_LETTERS__LIMIT__IN_A_ROW=0 until they are consumed) or skip them "
            f"(`hashgauge offsets reset --partition {record.partition} --where OFFSET`)"
        )
