"""Faust: sum of difficulty per worker and minute. Prints the seconds it took.

Run as `python faust_sum.py worker -l error --without-web`; the environment variables
PEER_BOOTSTRAP, PEER_TOPIC, PEER_GROUP and PEER_MESSAGES say what to read.
"""

# mypy: ignore-errors
# (runs in an environment of its own, see README.md)

import json
import os
import tempfile
import time

import faust

bootstrap, topic_name = os.environ["PEER_BOOTSTRAP"], os.environ["PEER_TOPIC"]
expected = int(os.environ["PEER_MESSAGES"])

app = faust.App(
    os.environ["PEER_GROUP"],
    broker=f"aiokafka://{bootstrap}",
    store="memory://",
    datadir=tempfile.mkdtemp(prefix="faust-"),
    topic_partitions=4,
    topic_disable_leader=True,
    processing_guarantee="at_least_once",
    consumer_auto_offset_reset="earliest",
    stream_buffer_maxsize=16_384,
)
shares = app.topic(topic_name, value_type=bytes, value_serializer="raw", key_type=bytes)
minutes = app.Table("minutes", default=float, partitions=4).tumbling(60.0, expires=3_600.0)
taken = 0
started_s = 0.0


@app.agent(shares)
async def sums(stream):
    """Faust's own windowed table, by the timestamps of the records."""
    global taken, started_s
    async for key, value in stream.items():
        if taken == 0:
            started_s = time.perf_counter()
        minutes[key] += json.loads(value)["difficulty"]
        taken += 1
        if taken == expected:
            answer = json.dumps({"seconds": time.perf_counter() - started_s})
            os.write(1, f"\n{answer}\n".encode())  # Faust turns `print` into a log entry
            os._exit(0)


if __name__ == "__main__":
    app.main()
