"""What became of a transaction that a node was given, by what nodes answer: btcd's answers were
recorded, Bitcoin Core's are those of its documentation and source (29), which no test here runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from aggregator.chain.json_rpc import JsonRpc, NodeAwayError, NodeError
from aggregator.payouts.batches import Batch, Version
from aggregator.payouts.sending import deliver
from aggregator.payouts.states import BatchState, TransactionState
from aggregator.payouts.wallet.node import Node

OLD, NEW = "aa" * 32, "bb" * 32
UNKNOWN = {"code": -5, "message": "No such mempool transaction. Use -txindex"}
CORE_MISSING = {"code": -25, "message": "bad-txns-inputs-missingorspent"}
CORE_IN_CHAIN = {"code": -27, "message": "Transaction outputs already in utxo set"}
BTCD_ORPHAN = {"code": -25, "message": "TX rejected: orphan transaction bb references outputs"}
BTCD_IN_MEMPOOL = {"code": -26, "message": "TX rejected: already have transaction in mempool bb"}
BTCD_IN_CHAIN = {"code": -27, "message": "TX rejected: transaction already exists in blockchain"}
CORE_REPLACED = {"code": -26, "message": "insufficient fee, rejecting replacement bb"}
NO_METHOD = {"code": -32601, "message": "Method not found"}


class Answers:
    """A node by its answers: a dict with `code` is an error; a list is used up one by one."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.left = {method: list(each) for method, each in answers.items()}
        self.asked: list[str] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        replies = []
        for call in json.loads(request.content):
            self.asked.append(call["method"])
            answer = self.left[call["method"]].pop(0)
            failed = isinstance(answer, dict) and "code" in answer
            replies.append({"id": call["id"], "error" if failed else "result": answer})
        return httpx2.Response(200, json=replies)


def node(**answers: Any) -> tuple[Node, Answers]:
    rpc = JsonRpc("http://user:password@127.0.0.1:1")
    made = Answers(answers)
    rpc._client = httpx2.AsyncClient(transport=httpx2.MockTransport(made))
    return Node(rpc), made


def version(txid: str, number: int) -> Version:
    return Version(txid, number, TransactionState.SIGNED, "", b"\x00", 500, 5, None, 0)


def batch() -> Batch:
    versions = (version(OLD, 1), version(NEW, 2))
    return Batch(uuid4(), 1, BatchState.SIGNED, "", 1_000, None, versions)


def verdict(reason: str | None) -> list[dict[str, Any]]:
    """testmempoolaccept as Core writes it."""
    if reason is None:
        return [{"txid": NEW, "allowed": True, "vsize": 141, "fees": {"base": 5e-6}}]
    return [{"txid": NEW, "allowed": False, "reject-reason": reason}]


@pytest.mark.parametrize(
    ("test", "send"),
    [
        (verdict(None), [NEW]),
        (verdict("txn-already-in-mempool"), [NEW]),
        # Core without an index of transactions: its look-up knows the mempool only.
        (verdict("txn-already-known"), [CORE_IN_CHAIN]),
        (verdict(None), [BTCD_IN_CHAIN]),
    ],
)
async def test_node_that_has_it_has_it(test: Any, send: list[Any]) -> None:
    rpc, _ = node(getrawtransaction=[UNKNOWN], testmempoolaccept=[test], sendrawtransaction=send)
    one = batch()
    assert (await deliver(rpc, one, one.versions[1])).txid == NEW


@pytest.mark.parametrize(
    "refusal", [CORE_MISSING, CORE_REPLACED, BTCD_ORPHAN, BTCD_IN_MEMPOOL, UNKNOWN]
)
async def test_refusal_ends_in_a_look_up_of_every_version(refusal: Any) -> None:
    """Another process was faster: between our look-up and our test the older version came in."""
    rpc, asked = node(
        getrawtransaction=[UNKNOWN, UNKNOWN, {"txid": OLD}],
        testmempoolaccept=[verdict(None)],
        sendrawtransaction=[refusal],
    )
    one = batch()
    assert (await deliver(rpc, one, one.versions[1])).txid == OLD
    assert asked.asked[-2:] == ["getrawtransaction"] * 2


@pytest.mark.parametrize("reason", ["missing-inputs", "txn-mempool-conflict", "min relay fee"])
async def test_refused_by_the_test_is_never_sent(reason: str) -> None:
    rpc, asked = node(getrawtransaction=[UNKNOWN] * 3, testmempoolaccept=[verdict(reason)])
    one = batch()
    with pytest.raises(NodeError, match=reason):
        await deliver(rpc, one, one.versions[1])
    assert "sendrawtransaction" not in asked.asked


async def test_node_that_falls_silent_while_it_is_asked_has_said_nothing() -> None:
    rpc, asked = node(getrawtransaction=[UNKNOWN], testmempoolaccept=[verdict(None)])
    asked.left["sendrawtransaction"] = [None]
    one = batch()

    def away(request: httpx2.Request) -> httpx2.Response:
        if b"sendrawtransaction" in request.content:
            raise httpx2.ReadTimeout("no answer")
        if asked.asked[-1:] == ["testmempoolaccept"]:
            raise httpx2.ConnectError("gone")
        return asked(request)

    rpc._rpc._client = httpx2.AsyncClient(transport=httpx2.MockTransport(away))
    with pytest.raises(NodeAwayError):
        await deliver(rpc, one, one.versions[1])


@pytest.mark.parametrize(
    ("answer", "sat_per_vb"),
    [
        ({"feerate": 0.00012345, "blocks": 6}, 13),
        ({"feerate": 1e-5, "blocks": 6}, 1),
        ({"errors": ["Insufficient data or no feerate found"], "blocks": 6}, None),
        (NO_METHOD, None),
        ({"code": -32603, "message": "Fee estimation disabled"}, None),
    ],
)
async def test_estimate_of_the_fee(answer: Any, sat_per_vb: int | None) -> None:
    """Core gives BTC per kvB, and none before it has seen enough; btcd knows no such method."""
    rpc, _ = node(estimatesmartfee=[answer])
    assert await rpc.estimated_sat_vb(6) == sat_per_vb
