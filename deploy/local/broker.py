"""The mock cluster inside librdkafka as a small process: a broker for trying out, in 0.2 s.

It keeps the last 5 MiB or 100,000 batches of a partition in memory and starts empty each time,
under a new cluster id; topics come into being when they are first named, with four partitions; a
group has one member. All about groups, rebalances and restarts belongs on a real Kafka.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
from typing import Final

from deploy.local.errors import LocalStackError
from deploy.local.process import end, spawn

NOTICE: Final = (
    "embedded broker: for trying out; it keeps the newest 5 MiB of a partition in memory"
)


class EmbeddedBroker:
    """The mock cluster as a child process, on a free port; gone with whoever started it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._address = ""

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def bootstrap_servers(self) -> str:
        return self._address

    def start(self) -> None:
        process = spawn(
            [sys.executable, "-m", "deploy.local.broker"],
            log=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        self._address = process.stdout.readline().decode().strip()
        if not self._address:
            end(process, signal.SIGKILL)
            raise LocalStackError(
                "the embedded broker did not start: pip install 'hashgauge[local]', "
                "or set KAFKA_BOOTSTRAP_SERVERS"
            )
        self._process = process

    def stop(self) -> None:
        if self._process is not None:
            end(self._process, signal.SIGTERM)
            self._process = None


def main() -> None:
    """Serve until SIGTERM or SIGINT; the address is the one line on standard output."""
    from confluent_kafka import Producer

    silent = logging.getLogger("deploy.local.broker")
    silent.addHandler(logging.NullHandler())
    # The cluster lives as long as this client, which sends nothing.
    cluster = Producer({"test.mock.num.brokers": 1, "log_level": 0}, logger=silent)
    broker = next(iter(cluster.list_topics(timeout=10).brokers.values()))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sys.stdout.write(f"{broker.host}:{broker.port}\n")
    sys.stdout.flush()
    stop.wait()


if __name__ == "__main__":
    main()
