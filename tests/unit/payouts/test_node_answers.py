"""What nodes answer, by recorded shape: btcd's were measured, Bitcoin Core's are those of its
documentation (29), which no test here runs."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from aggregator.chain.json_rpc import JsonRpc, NodeAwayError, NodeError
from aggregator.payouts.wallet.node import Node


def node_that_answers(status: int, body: Any) -> Node:
    """A list stands for the answers to a batch; text is what a server in between says."""

    def handler(request: httpx2.Request) -> httpx2.Response:
        text = body if isinstance(body, str) else json.dumps(body)
        return httpx2.Response(status, text=text)

    rpc = JsonRpc("http://user:password@127.0.0.1:1")
    rpc._client = httpx2.AsyncClient(transport=httpx2.MockTransport(handler))
    return Node(rpc)


BTCD_UNKNOWN = [
    {
        "jsonrpc": "2.0",
        "result": None,
        "id": 0,
        "error": {"code": -5, "message": "No information available about transaction 00"},
    }
]
CORE_UNKNOWN = [
    {
        "jsonrpc": "2.0",
        "error": {
            "code": -5,
            "message": "No such mempool transaction. Use -txindex or provide a block hash to "
            "enable blockchain transaction queries. Use gettransaction for wallet transactions.",
        },
        "id": 0,
    }
]


@pytest.mark.parametrize(("status", "body"), [(200, BTCD_UNKNOWN), (200, CORE_UNKNOWN)])
async def test_unknown_transaction_is_not_an_error(status: int, body: Any) -> None:
    assert not await node_that_answers(status, body).knows("00")


async def test_other_errors_of_a_look_up_are_errors() -> None:
    body = [{"id": 0, "error": {"code": -32603, "message": "not in the main chain"}}]
    with pytest.raises(NodeError):
        await node_that_answers(500, body).knows("00")


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        ({"txid": "00", "allowed": True, "vsize": 100, "fees": {"base": 1e-6}}, None),
        ({"txid": "00", "reject-reason": "missing-inputs"}, "missing-inputs"),
        (
            {"txid": "00", "allowed": False, "reject-reason": "txn-mempool-conflict"},
            "txn-mempool-conflict",
        ),
        (
            {"txid": "00", "allowed": False, "package-error": "package-not-sorted"},
            "package-not-sorted",
        ),
    ],
)
async def test_verdict_of_the_mempool(answer: dict[str, Any], refusal: str | None) -> None:
    """btcd leaves `allowed` out if it is false; Core writes it."""
    node = node_that_answers(200, [{"id": 0, "result": [answer], "error": None}])
    assert await node.refusal(b"\x00") == refusal


@pytest.mark.parametrize("key", ["rawtx", "tx"])
async def test_transactions_of_a_block_are_found_under_either_name(key: str) -> None:
    transaction = {
        "txid": "aa",
        "hex": "00",
        "vin": [{"txid": "bb", "vout": 1}],
        "vout": [{"n": 0, "value": 1e-8, "scriptPubKey": {"hex": "51"}}],
    }
    answer = [{"id": 0, "result": {"hash": "cc", key: [transaction]}}]
    ((found,),) = await node_that_answers(200, answer).blocks(["cc"])
    assert (found.txid, found.spends, found.coinbase) == ("aa", (("bb", 1),), False)
    assert found.outputs[0].amount_sat == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, "401 Unauthorized."),
        (503, "503 Too busy.  Try again later."),
        (200, ""),
        (200, "[]"),
        (502, "<html>"),
    ],
)
async def test_no_answer_to_the_question_is_a_node_that_is_away(status: int, body: str) -> None:
    with pytest.raises(NodeAwayError):
        await node_that_answers(status, body).knows("00")
