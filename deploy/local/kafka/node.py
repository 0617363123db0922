"""One Apache Kafka node (KRaft, broker and controller in one), as a direct child."""

from __future__ import annotations

import logging
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final
from uuid import uuid4

from deploy.local.claim import claim
from deploy.local.errors import AlreadyRunningError, LocalStackError
from deploy.local.kafka.jars import jars
from deploy.local.maven import java
from deploy.local.process import answers, end, free_port, spawn

START_TIMEOUT_S: Final = 90.0
HEAP: Final = "-Xmx512m"
_LOG4J: Final = Path(__file__).with_name("log4j2.properties")

_SINGLE_NODE: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT",
    # One broker cannot replicate; one partition each starts fast.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    # Tests start groups of one or two members; waiting 3 s for more helps nobody.
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    # After a kill the controller takes the old broker for alive until its session ends: 9 s.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # The cleaner's buffer is 128 MB of a 512 MB heap otherwise, each index file 10 MB of disk.
    "log.cleaner.threads": "1",
    "log.cleaner.dedupe.buffer.size": "4194304",
    "log.index.size.max.bytes": "1048576",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "background.threads": "2",
    # A replay brings records with the timestamps of their shares, months old.
    "log.message.timestamp.before.max.ms": str(2**63 - 1),
    "log.retention.ms": "-1",
}


class KafkaNode:
    """A node on a data directory that survives; loopback only.

    Stop and start it again at will: the port stays, and so do topics and offsets. Gone when the
    process that started it ends. With `proxied_port` it also listens for a proxy: who comes that
    way learns that the broker is at `proxied_port`, and so stays behind the proxy.
    """

    def __init__(self, data_dir: Path, *, port: int = 0, proxied_port: int | None = None) -> None:
        self._data = data_dir.absolute()
        self._port = port
        self._proxied_port = proxied_port
        self.behind_proxy_port = 0 if proxied_port is None else free_port()
        """Where the proxy is to pass its bytes to; 0 without one."""
        self._process: subprocess.Popen[bytes] | None = None
        self._claim: IO[str] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def log_path(self) -> Path:
        return self._data / "server.log"

    def start(self) -> None:
        """Format the storage if it is new, and wait until the broker answers (3 to 6 s).

        AlreadyRunningError where its port or its directory is in use.
        """
        if self.running:
            return
        self.stop()  # one that died by itself still has its claim
        if self._port and answers(self._port):
            raise AlreadyRunningError(
                f"port {self._port} is taken: a Kafka may run already; choose another port"
            )
        self._port = self._port or free_port()
        # Kafka locks its logs only after it has written to them: a second node ends the first.
        self._claim = claim(self._data, by="hashgauge kafka")
        try:
            self._launch()
        except BaseException:
            self.stop()
            raise

    def _launch(self) -> None:
        properties = self._write_properties()
        if not (self._data / "logs" / "meta.properties").exists():
            self._format(properties)
        with self.log_path.open("ab") as log:
            self._process = spawn(_command("kafka.Kafka", str(properties)), log=log)
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Shut down cleanly."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL; the system still writes what it was handed, so nothing acknowledged is lost."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze: connections stay open and nothing answers."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self.resume()
            end(self._process, number)
            self._process = None
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def _write_properties(self) -> Path:
        controller = free_port()
        advertised = {"PLAINTEXT": self._port}
        listening = advertised | {"CONTROLLER": controller}
        if self._proxied_port is not None:
            advertised["PROXIED"] = self._proxied_port
            listening["PROXIED"] = self.behind_proxy_port
        properties = _SINGLE_NODE | {
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": _addresses(listening),
            "advertised.listeners": _addresses(advertised),
            "log.dirs": str(self._data / "logs"),
        }
        path = self._data / "server.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
        return path

    def _format(self, properties: Path) -> None:
        with self.log_path.open("ab") as log:
            tool = ["kafka.tools.StorageTool", "format", "--ignore-formatted"]
            command = _command(*tool, "-t", uuid4().hex[:22], "-c", str(properties))
            if end_code := _wait(spawn(command, log=log)):
                raise LocalStackError(f"Kafka's format failed ({end_code}): see {self.log_path}")

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not answers(self._port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise LocalStackError(f"Kafka did not start: see {self.log_path}")
            time.sleep(0.05)
        _wait_for_metadata(self.bootstrap_servers, deadline - time.monotonic())


def _addresses(ports: Mapping[str, int]) -> str:
    return ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items())


def _command(main: str, *arguments: str) -> list[str]:
    # One compiler tier and one collector thread: a node starts in half the time on two cores.
    flags = [HEAP, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
    logs = f"-Dlog4j2.configurationFile={_LOG4J}"
    return [java(), *flags, logs, "-cp", f"{jars()}/*", main, *arguments]


def _wait(process: subprocess.Popen[bytes]) -> int:
    process.wait(START_TIMEOUT_S)
    return end(process, signal.SIGKILL)


def _wait_for_metadata(bootstrap_servers: str, timeout_s: float) -> None:
    """Until the broker lists itself: it takes connections a moment earlier."""
    from confluent_kafka.admin import AdminClient

    silent = logging.getLogger("deploy.local.kafka.probe")
    silent.addHandler(logging.NullHandler())
    silent.propagate = False
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0}, logger=silent)
    admin.list_topics(timeout=timeout_s)
