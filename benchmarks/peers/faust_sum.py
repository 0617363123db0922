"""Faust: sum of difficulty per worker and minute. Prints the seconds it took.

Run as `python faust_sum.py -L uvloop worker -l error --without-web`; the environment variables
PEER_BOOTSTRAP, PEER_TOPIC, PEER_GROUP and PEER_MESSAGES say what to read.
"""

# mypy: ignore-errors
# (runs in an environment of its own, see README.md)

import json
import logging
import os
import tempfile
import time

import faust
import orjson

bootstrap, topic_name = os.environ["PEER_BOOTSTRAP"], os.environ["PEER_TOPIC"]
expected = int(os.environ["PEER_MESSAGES"])
# The clients write three debug entries a message, made even where nobody reads them.
logging.disable(logging.WARNING)

app = faust.App(
    os.environ["PEER_GROUP"],
    broker=f"aiokafka://{bootstrap}",
    store="memory://",
    datadir=tempfile.mkdtemp(prefix="faust-"),
    topic_partitions=4,
    topic_disable_leader=True,
    processing_guarantee="at_least_once",
    consumer_auto_offset_reset="earliest",
    # Each change of the table is a message to its changelog. One by one (the default) they take
    # two thirds of the time; with more than this the agent waits for them.
    producer_linger=0.02,
    # 4,096 by default: its partitions are then paused and resumed all the time.
    stream_buffer_maxsize=65_536,
)
shares = app.topic(topic_name, value_type=bytes, value_serializer="raw", key_type=bytes)
minutes = app.Table("minutes", default=float, partitions=4).tumbling(60.0, expires=3_600.0)
taken = 0
started_s = 0.0


@app.agent(shares)
async def sums(stream):
    """Faust's own windowed table, by the timestamps of the records."""
    global taken, started_s
    # 100 by default: the conductor then waits for the producer at every other message.
    app.producer.buffer.max_messages = 100_000
    async for key, value in stream.items():
        if taken == 0:
            started_s = time.perf_counter()
        minutes[key] += orjson.loads(value)["difficulty"]
        taken += 1
        if taken == expected:
            answer = json.dumps({"seconds": time.perf_counter() - started_s})
            os.write(1, f"\n{answer}\n".encode())  # Faust turns `print` into a log entry
            os._exit(0)


if __name__ == "__main__":
    app.main()
