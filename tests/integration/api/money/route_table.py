"""The routes of money, for the table of all routes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from query_api.auth.rights import Action
from tests.integration.api.route_table import SOME, Route

TERMS, PAYMENTS = Action.READ_TERMS, Action.READ_PAYMENTS
POOL_FEE, OPERATOR_FEE = Action.CHANGE_POOL_FEE, Action.CHANGE_OPERATOR_FEE
SHARING, WALLET = Action.CHANGE_SHARING, Action.CHANGE_WALLET
PAY = Action.PAY
ALPHA, BOTH, POOL = ("alpha",), ("alpha", "beta"), ("pool",)
MONTH = "2026-11"

SOON = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
SCHEDULE = {"schedule": [{"valid_from": SOON, "fee": 0.01, "comment": "c"}]}
RATE = {"rate": 0.01}
ADDRESS = {"address": "3FZbgi29cpjq2GjdwV8eyHuJJnkLtktZc5"}
AMOUNT = {"amount": 0.01}
OF_OPERATOR = "/operators/{operator}/miners/{alpha}"
GIFT_FEES = "/miners/{alpha}/virtual-mining-fees/{beta}"
GIFT_PLAN = "/miners/{alpha}/virtual-mining-plans/{beta}"
SHARINGS = "/miners/{alpha}/profit-sharings"

FEE_ROUTES = {
    "miner_fees": Route("GET", "/miners/{alpha}/fees", TERMS, ALPHA),
    "set_miner_fees": Route("POST", "/miners/{alpha}/fees", POOL_FEE, ALPHA, SCHEDULE),
    "current_miner_fee": Route("GET", "/miners/{alpha}/fees/current", TERMS, ALPHA),
    "miner_fee_history": Route("GET", "/miners/{alpha}/fees/history", TERMS, ALPHA),
    "miner_tariff_plan": Route("GET", "/miners/{alpha}/tariff-plan", TERMS, ALPHA),
    "set_miner_tariff_plan": Route("PUT", "/miners/{alpha}/tariff-plan", POOL_FEE, ALPHA, RATE),
    "operator_miner_fees": Route("GET", OF_OPERATOR + "/fees", TERMS, ("operator",)),
    "set_operator_miner_fees": Route(
        "POST", OF_OPERATOR + "/fees", OPERATOR_FEE, ("operator",), SCHEDULE
    ),
    "current_operator_miner_fee": Route("GET", OF_OPERATOR + "/fees/current", TERMS, ("operator",)),
    "operator_miner_fee_history": Route("GET", OF_OPERATOR + "/fees/history", TERMS, ("operator",)),
    "operator_miner_tariff_plan": Route("GET", OF_OPERATOR + "/tariff-plan", TERMS, ("operator",)),
    "set_operator_miner_tariff_plan": Route(
        "PUT", OF_OPERATOR + "/tariff-plan", OPERATOR_FEE, ("operator",), RATE
    ),
    "set_default_fee": Route(
        "PUT", "/operators/{operator}/default-fee", OPERATOR_FEE, ("operator",), {"fee": "0.005"}
    ),
    "virtual_mining_fees": Route("GET", GIFT_FEES, TERMS, BOTH),
    "set_virtual_mining_fees": Route("POST", GIFT_FEES, SHARING, ALPHA, SCHEDULE),
    "current_virtual_mining_fee": Route("GET", GIFT_FEES + "/current", TERMS, BOTH),
    "virtual_mining_fee_history": Route("GET", GIFT_FEES + "/history", TERMS, BOTH),
    "virtual_mining_plan": Route("GET", GIFT_PLAN, TERMS, BOTH),
    "set_virtual_mining_plan": Route("PUT", GIFT_PLAN, SHARING, ALPHA, RATE),
}
SHARING_ROUTES = {
    "profit_sharings": Route("GET", SHARINGS, TERMS, ALPHA),
    "profit_sharing_history": Route("GET", SHARINGS + "/{beta}", TERMS, BOTH),
    "create_profit_sharing": Route(
        "POST", SHARINGS + "/{beta}", SHARING, ALPHA, RATE | {"type": "profit_sharing"}
    ),
    "delete_profit_sharing": Route("DELETE", SHARINGS + "/{beta}", SHARING, ALPHA),
    "referrals": Route("GET", "/miners/{alpha}/referrals", TERMS, ALPHA),
    "referrer_codes": Route("GET", "/miners/{alpha}/referrer-codes", TERMS, ALPHA),
    "reward_rates": Route("GET", "/reward-rates", "public"),
    "reward_rate": Route("GET", "/reward-rates/2026-01-01", "public"),
}
WALLET_ROUTES = {
    "wallet_address": Route("GET", "/wallets/{wallet}/address", TERMS, ALPHA),
    "wallet_addresses": Route("GET", "/wallets/{wallet}/addresses", TERMS, ALPHA),
    "wallet_min_payment": Route("GET", "/wallets/{wallet}/min-payment", TERMS, ALPHA),
    "wallet_min_payments": Route("GET", "/wallets/{wallet}/min-payments", TERMS, ALPHA),
    "put_wallet_address": Route(
        "PUT", "/wallets/{wallet}/address", WALLET, ALPHA, ADDRESS, alone=True
    ),
    "add_wallet_address": Route(
        "POST", "/wallets/{wallet}/addresses", WALLET, ALPHA, ADDRESS, alone=True
    ),
    "put_wallet_min_payment": Route(
        "PUT", "/wallets/{wallet}/min-payment", WALLET, ALPHA, AMOUNT, alone=True
    ),
    "add_wallet_min_payment": Route(
        "POST", "/wallets/{wallet}/min-payments", WALLET, ALPHA, AMOUNT, alone=True
    ),
}
PAYMENT_ROUTES = {
    f"{kind}_{name}": Route("GET", f"/{kind}s/{{{entity}}}/{path}", PAYMENTS, (entity,))
    for kind, entity in (("miner", "alpha"), ("operator", "operator"), ("pool", "pool"))
    for name, path in (
        ("payments", "payments"),
        ("payments_csv", "payments/csv"),
        ("processing_earnings", "processing-earnings"),
        ("today_earnings", "today-earnings"),
        ("statement", f"statements/{MONTH}"),
    )
} | {
    "miner_balance": Route("GET", "/miners/{alpha}/balance", PAYMENTS, ALPHA),
    "miner_earned_all_time": Route("GET", "/miners/{alpha}/earned-all-time", PAYMENTS, ALPHA),
    "operator_earned_all_time": Route(
        "GET", OF_OPERATOR + "/earned-all-time", PAYMENTS, ("operator",)
    ),
    "pool_earned_all_time": Route(
        "GET", "/pools/{pool}/miners/{alpha}/earned-all-time", PAYMENTS, ("pool",)
    ),
    "explained_payment": Route("GET", f"/miners/{{alpha}}/payments/{SOME}", PAYMENTS, ALPHA),
    "compared_payment": Route(
        "GET", f"/miners/{{alpha}}/payments/{SOME}/comparison", PAYMENTS, ALPHA
    ),
}
BATCHES = "/pools/{pool}/payout-batches"
BATCH = f"{BATCHES}/{SOME}"
GIFT = {
    "id": SOME,
    "debit": {"owner_id": "{pool}", "kind": "external"},
    "credit": {"owner_id": "{alpha}"},
    "amount": "0.1",
    "reason": "a gift",
}
PAYOUT_ROUTES = {
    "list_payout_batches": Route("GET", BATCHES, PAY, POOL),
    "propose_payout_batch": Route("POST", BATCHES, PAY, POOL),
    "payout_money": Route("GET", BATCHES + "/money", PAY, POOL),
    "payout_batch": Route("GET", BATCH, PAY, POOL),
    "approve_payout_batch": Route("POST", BATCH + "/approve", PAY, POOL, {"list_hash": "0" * 64}),
    "build_payout_batch": Route("POST", BATCH + "/build", PAY, POOL),
    "payout_batch_psbt": Route("GET", BATCH + "/psbt", PAY, POOL),
    "import_payout_batch_psbt": Route("POST", BATCH + "/psbt", PAY, POOL, {"psbt": "cHNidP8="}),
    "broadcast_payout_batch": Route("POST", BATCH + "/broadcast", PAY, POOL),
    "bump_payout_batch": Route("POST", BATCH + "/bump", PAY, POOL, {"fee_rate": 2}),
    "cancel_payout_batch": Route("POST", BATCH + "/cancel", PAY, POOL, {}),
    "book_transfer": Route("POST", "/pools/{pool}/transfers", Action.BOOK_BY_HAND, POOL, GIFT),
}
MONEY_ROUTES = FEE_ROUTES | SHARING_ROUTES | WALLET_ROUTES | PAYMENT_ROUTES | PAYOUT_ROUTES
