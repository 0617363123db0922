"""Quix Streams: sum of difficulty per worker and minute. Prints the seconds it took.

Arguments: bootstrap servers, topic, number of messages.
"""

# mypy: ignore-errors
# (runs in an environment of its own, see README.md)

import json
import logging
import sys
import tempfile
import time

from quixstreams import Application

bootstrap, topic_name, expected = sys.argv[1], sys.argv[2], int(sys.argv[3])
logging.disable(logging.INFO)

taken = 0
started_s = 0.0


def note(_topic: str, _partition: int, _offset: int) -> None:
    global taken, started_s
    if taken == 0:
        started_s = time.perf_counter()
    taken += 1
    if taken == expected:
        app.stop()


# Of what its documentation names for throughput: state in memory until the checkpoint, a checkpoint
# every five seconds (both defaults), and no changelog, so that state is not made durable.
app = Application(
    broker_address=bootstrap,
    consumer_group=f"quix-{time.time_ns()}",
    auto_offset_reset="earliest",
    state_dir=tempfile.mkdtemp(prefix="quix-"),
    use_changelog_topics=False,
    on_message_processed=note,
    loglevel=None,
)
topic = app.topic(topic_name, value_deserializer="json", key_deserializer="str")
frame = app.dataframe(topic)
frame = frame.apply(lambda share: share["difficulty"])
# Messages are keyed by worker. A grace period, since partitions are read apart.
frame.tumbling_window(duration_ms=60_000, grace_ms=600_000).sum().current()
app.run()
# With the last checkpoint: what it has taken is committed, as with us.
print(json.dumps({"seconds": time.perf_counter() - started_s}), flush=True)
