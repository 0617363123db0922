"""What every test can ask for, and the tier that a test belongs to by what it asks for."""

from __future__ import annotations

import faulthandler
import os

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from hypothesis import HealthCheck, settings

from tests.fixtures.btcd import bitcoin_rpc_url, btcd, btcd_program
from tests.fixtures.kafka import kafka, kafka_bootstrap, kafka_server, topic
from tests.fixtures.kratos import kratos, kratos_node, people
from tests.fixtures.postgres import (
    database_url,
    empty_database_url,
    new_database,
    postgres_server,
    template_database,
)
from tests.timescale.fixture import (
    another_timescale_url,
    empty_timescale_url,
    timescale_server,
    timescale_url,
)

__all__ = [
    "another_timescale_url",
    "bitcoin_rpc_url",
    "btcd",
    "btcd_program",
    "database_url",
    "empty_database_url",
    "empty_timescale_url",
    "kafka",
    "kafka_bootstrap",
    "kafka_server",
    "kratos",
    "kratos_node",
    "new_database",
    "people",
    "postgres_server",
    "template_database",
    "timescale_server",
    "timescale_url",
    "topic",
]

# No test measures time: a busy machine is no fault of the code.
settings.register_profile("desk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# At a desk every run searches anew; what lands is judged by its change, not by luck.
settings.register_profile("ci", settings.get_profile("desk"), derandomize=True)
# `make test-unit` asks for it: tests.property.effort.
settings.register_profile("quick", settings.get_profile("desk"), max_examples=25)
settings.load_profile("ci" if os.environ.get("CI") else "desk")

TIER_OF_FIXTURE = {
    "postgres_server": pytest.mark.postgres,
    "kafka_bootstrap": pytest.mark.kafka,
    "kafka_server": pytest.mark.kafka,
    "kratos_node": pytest.mark.kratos,
    "bitcoin_rpc_url": pytest.mark.bitcoin,
    "btcd_program": pytest.mark.bitcoin,
    "timescale_server": pytest.mark.timescale,
}

AFTER_FAILURE_S = 480.0

WITH_REAL_PARTS = {mark.name for mark in TIER_OF_FIXTURE.values()} | {"browser", "slow"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for a server belongs to that server's tier; nobody has to say it again.

    Whole servers on two shared cores are late now and then: such a test gets a second try, and the
    closing lines name it (RERUN).
    """
    for item in items:
        for fixture, mark in TIER_OF_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)
        if not WITH_REAL_PARTS.isdisjoint(mark.name for mark in item.iter_markers()):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    """What follows a failure, teardown and second try, has a limit: pytest just stopped its clocks.

    At that limit the process ends with the tracebacks of its threads, and the test has failed.
    """
    uncaptured = node.config.stash[fault_handler_stderr_fd_key]
    faulthandler.dump_traceback_later(AFTER_FAILURE_S, file=uncaptured, exit=True)
