"""The service held against the document of the Headframe API: its samples, operation by operation.

docs/headframe.md says of each operation whether it is served; these tests keep that true.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from query_api.write_openapi import FILE as OPENAPI
from tests.contract.headframe_calls import CALLS, LAST, Call, filled
from tests.contract.headframe_document import Operation, operations
from tests.contract.headframe_pool import HeadframePool, headframe_pool
from tests.contract.sample_shape import differences
from tests.fixtures.kratos import People
from tests.integration.api.client import BASE, api_client, connected
from tests.integration.api.data import seed_tree
from tests.integration.people.pool import Pool, people_config

ROOT = Path(__file__).parent.parent.parent
OPERATIONS = operations()
STATES = ("full", "partly", "not yet")
NULLABLE = frozenset({"valid_until", "activated_at", "future", "operator", "title", "location"})
"""What the samples fill in but what may be unknown: an end that nobody has set, a change that
nobody has asked for, a code that nobody has used, a miner under no operator, an account without a
title, where a device stands."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table in docs/headframe.md."""

    operation: str
    state: str
    why: str


def table() -> dict[int, Row]:
    lines = re.findall(
        r"^\| (\d+) \| .+? \| `(.+?)` \| (.*?) \| (.*?) ?\|$",
        (ROOT / "docs/headframe.md").read_text(),
        re.MULTILINE,
    )
    return {int(number): Row(*cells) for number, *cells in lines}


@pytest.fixture
async def pool(database_url: str, people: People) -> AsyncIterator[HeadframePool]:
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        async with api_client(people_config(database_url, people)) as client:
            yield await headframe_pool(Pool(client, connection, tree, people))


def in_order() -> list[Operation]:
    first = [number for number in OPERATIONS if number not in LAST]
    return [OPERATIONS[number] for number in (*first, *LAST)]


async def called(pool: HeadframePool, operation: Operation, method: str) -> httpx2.Response:
    call = CALLS.get(operation.number, Call())
    names = pool.names | filled(call.names, pool.names)
    path = operation.path.format(**names) + ("?" + call.query.format(**names)).rstrip("?")
    body = filled(call.body, names)
    if operation.request is not None:
        body = operation.request | body
    options: dict[str, Any] = {"json": body} if body else {}
    return await pool.request(method, path, call.who, **options)


def faults(operation: Operation, answer: httpx2.Response) -> list[str]:
    """Where an answer is not as the document says."""
    expected = operation.success
    if answer.status_code != expected and not (expected is None and answer.is_success):
        return [f"status {answer.status_code}: {answer.text[:200]}"]
    if operation.csv_columns:
        return csv_faults(operation, answer)
    if operation.sample is None:
        return []
    return differences(operation.sample, answer.json(), nullable=NULLABLE)


def csv_faults(operation: Operation, answer: httpx2.Response) -> list[str]:
    rows = list(csv.reader(io.StringIO(answer.text)))
    wrong = []
    if not answer.headers["content-disposition"].startswith("attachment"):
        wrong.append("not attached")
    if tuple(rows[0]) != operation.csv_columns:
        wrong.append(f"columns {rows[0]}")
    if len(rows) < 2:
        wrong.append("no payment")
    return wrong


async def test_every_operation_answers_as_the_table_says(pool: HeadframePool):
    rows = table()
    untrue = []
    for operation in in_order():
        answers = [await called(pool, operation, method) for method in operation.methods]
        wrong = [fault for answer in answers for fault in faults(operation, answer)]
        if bool(wrong) == (rows[operation.number].state == "full"):
            untrue.append((operation.title, rows[operation.number].state, wrong[:5]))
    assert not untrue, "\n".join(map(str, untrue))


async def test_a_bookmarked_link_that_was_revoked_is_shown_and_opens_nothing(pool: HeadframePool):
    link = "/miners/{miner_id}/watchers/{watcher_id}".format(**pool.names)
    assert (await pool.request("DELETE", link, "owner")).status_code == 204
    [bookmark] = (await pool.request("GET", "/users/me/watchers", "owner")).json()["data"]
    assert bookmark["token"] == pool.names["watcher_token"]
    assert (bookmark["active"], bookmark["permissions"]) == (False, [])


@pytest.mark.parametrize(
    ("sample", "answer", "fault"),
    [
        ({"amount": "0.01"}, {}, ".amount: missing"),
        ({"amount": "0.01"}, {"amount": 0.01}, ".amount: number in place of string"),
        ({"amount": "0.01"}, {"amount": "1e-2"}, ".amount: '1e-2' is no decimal string"),
        ({"hashrate": "1.00"}, {"hashrate": "1.5"}, ".hashrate: '1.5' is no decimal"),
        ({"rate": 0.009}, {"rate": True}, ".rate: bool in place of number"),
        ({"total_count": 3}, {"total_count": 3.0}, ".total_count: number in place of int"),
        ({"title": "t"}, {"title": None}, ".title: null in place of string"),
        (["2019-08-24"], ["2019-08-24T00:00:00Z"], "[0]: '2019-08-24T00:00:00Z' is no date"),
        (["2019-08-24T00:00:00Z"], ["2019-08-24T00:00:00.5Z"], "is no date-time in whole seconds"),
        ([{"status": "stable"}], [{"status": "stable"}, {"status": "gone"}], "[1].status: 'gone'"),
        ({"data": [1]}, {"data": []}, ".data: an empty list shows nothing"),
    ],
)
def test_what_differs_from_a_sample_is_named(sample: Any, answer: Any, fault: str):
    [found] = differences(sample, answer, nullable=frozenset())
    assert fault in found
    assert differences(sample, sample, nullable=frozenset()) == []


def declared(operation: Operation) -> list[dict[str, Any]]:
    """What openapi.json says of each of its methods, whatever the parameters are called there."""
    shape = re.sub(r"\{\w+\}", "{}", BASE + operation.path)
    paths = json.loads(OPENAPI.read_text())["paths"]
    [found] = [item for path, item in paths.items() if re.sub(r"\{\w+\}", "{}", path) == shape]
    return [found[method.lower()] for method in operation.methods]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.title)
def test_every_operation_has_a_route_that_declares_its_codes(operation: Operation):
    if table()[operation.number].state == "not yet":
        with pytest.raises((KeyError, ValueError)):
            declared(operation)
        return
    for route in declared(operation):
        answers = {int(code) for code in route["responses"]}
        assert set(operation.codes) <= answers
        assert operation.success in answers | {None}


def test_the_table_has_every_operation_once_with_a_state_and_a_reason():
    rows = table()
    assert {number: row.operation for number, row in rows.items()} == {
        number: f"{operation.method} {operation.path}" for number, operation in OPERATIONS.items()
    }
    assert {row.state for row in rows.values()} <= set(STATES)
    assert [number for number, row in rows.items() if bool(row.why) == (row.state == "full")] == []


def test_the_readme_shows_the_counts():
    found = Counter(row.state for row in table().values())
    counts = ", ".join(f"{found[state]} {state}" for state in STATES)
    assert f"Of its {len(OPERATIONS)} operations: {counts}" in (ROOT / "README.md").read_text()
