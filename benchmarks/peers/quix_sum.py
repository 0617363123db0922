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

state = tempfile.mkdtemp(prefix="quix-")
app = Application(
    broker_address=bootstrap,
    consumer_group=f"quix-{time.time_ns()}",
    auto_offset_reset="earliest",
    state_dir=state,
    use_changelog_topics=False,  # its fastest: state is not made durable
    commit_interval=2.0,
    loglevel=None,
)
topic = app.topic(topic_name, value_deserializer="json", key_deserializer="str")
taken = 0
started_s = 0.0


def note(_window: object) -> None:
    global taken, started_s
    if taken == 0:
        started_s = time.perf_counter()
    taken += 1
    if taken == expected:
        print(json.dumps({"seconds": time.perf_counter() - started_s}), flush=True)
        app.stop()


frame = app.dataframe(topic)
frame = frame.apply(lambda share: share["difficulty"])
# Messages are keyed by worker. A grace period, since partitions are read apart.
frame = frame.tumbling_window(duration_ms=60_000, grace_ms=600_000).sum().current()
frame.update(note)
app.run()
